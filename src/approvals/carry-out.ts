import { isAgentChat } from '../domain/agent-request.ts'
import { type Approval, type ApprovalKindName, isFinal } from '../domain/approval.ts'
import { ChannelRefusedError, CreelError, EngineUnavailableError, errorText } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import type { ApprovalStore } from '../domain/ports/approvals.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DeliveryStore, DirectoryStore, InboundStore } from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import type { StepResult } from '../pump.ts'
import { isAsShown } from './approval-code.ts'
import type { ApprovalKind } from './approval-kind.ts'
import { settledText, tellText } from './approval-text.ts'
import { cardDeliveries } from './card-deliveries.ts'

export interface CarryOutPorts {
  readonly approvals: ApprovalStore
  readonly kinds: Readonly<Record<ApprovalKindName, ApprovalKind>>
  readonly inbound: Pick<InboundStore, 'tell'>
  readonly deliveries: Pick<DeliveryStore, 'add'>
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly events: Pick<Events, 'approvalEnded' | 'approvalCardFailed'>
  readonly clock: Pick<Clock, 'now'>
  /** A word for the agent waits. */
  readonly nudge: (approval: Approval) => void
  /** Whether no sandbox of before the last change of the group's settings runs; one that does ends with its turns. */
  readonly isRenewed: (group: GroupName, signal: AbortSignal) => Promise<boolean>
}

/** For so long the card is tried to be changed; then it stays as it was, and says so when it is pressed. */
const CARD_MS = 3_600_000
const CARD_WAIT_MS = 500
const CARD_TIMEOUT_MS = 30_000
/** What cannot be carried out for so long has failed. */
const CARRY_OUT_MS = 600_000
/** The agent is told without a new sandbox when its turns leave no room for one for so long. */
const RENEW_MS = 600_000
const RENEW_WAIT_MS = 100

/**
 * Step of the approvals pump: what was decided is carried out, told to the agent and shown on its card, in this order,
 * each recorded when it is done; killed in between, it goes on from there. The decision itself is final before it.
 */
export async function carryOutNext(
  id: number,
  ports: CarryOutPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const { approvals, clock } = ports
  const approval = approvals.find(id)
  if (!approval) return 'idle'
  if (approval.state === 'asked') {
    if (approvals.expire(id, clock.now())) return 'again'
    askInOrigin(approval, ports)
    return 'idle'
  }
  if (approval.state === 'allowed') return carryOut(approval, ports)
  if (!approval.told) {
    const wait = await waitForSandbox(approval, ports, signal)
    if (wait !== null) return wait
    tell(approval, ports)
    return 'again'
  }
  return approval.cardSettled || !isFinal(approval.state) ? 'idle' : settleCard(approval, ports, signal)
}

/** Null when the agent can be told; its card need not wait for that. */
async function waitForSandbox(
  approval: Approval,
  ports: CarryOutPorts,
  signal: AbortSignal,
): Promise<StepResult | null> {
  const { group, kind, state, decidedAt, cardSettled } = approval
  const { clock, kinds, isRenewed } = ports
  if (!kinds[kind].renews || state !== 'done' || approval.decidedBy === null) return null
  if (clock.now() - (decidedAt ?? 0) > RENEW_MS || (await isRenewed(group, signal))) return null
  const card = cardSettled ? 'idle' : await settleCard(approval, ports, signal)
  return card === 'idle' ? { waitMs: RENEW_WAIT_MS } : card
}

/** Nobody could be reached in private: it is put into the chat it came from, where nobody else's press counts either. */
function askInOrigin(
  approval: Approval,
  { approvals, kinds, deliveries, directory, channelOf, clock }: CarryOutPorts,
): void {
  const { id, kind, cardKey, cardChatId, chatId } = approval
  const chat = directory.chat(chatId)
  if (
    cardKey === null ||
    cardChatId === chatId ||
    !chat ||
    isAgentChat(chat.address) ||
    approvals.cardMessage(id) !== 'none'
  )
    return
  const moved = { ...approval, cardKey: `${cardKey}+` }
  const file = kinds[kind].attached?.(approval)
  deliveries.add(cardDeliveries(moved, chat, channelOf, { file }), clock.now())
  approvals.moveCard(id, chatId, moved.cardKey)
}

async function carryOut(approval: Approval, { approvals, kinds, clock }: CarryOutPorts): Promise<StepResult> {
  const { id, kind, decidedAt } = approval
  if (!isAsShown(approval)) {
    approvals.finish(id, 'failed', 'it was changed after it was shown', clock.now())
    return 'again'
  }
  try {
    const outcome = await kinds[kind].carryOut(approval)
    if (typeof outcome !== 'string') return outcome
    approvals.finish(id, 'done', outcome, clock.now())
  } catch (error) {
    const now = clock.now()
    const isOver = decidedAt !== null && now - decidedAt > CARRY_OUT_MS
    const isAnswer = error instanceof CreelError && !(error instanceof EngineUnavailableError)
    if (!isAnswer && !isOver) throw error
    approvals.finish(id, 'failed', errorText(error), now)
  }
  return 'again'
}

/** In the conversation it was asked in, while its chat is still the agent's. */
function tell(approval: Approval, ports: CarryOutPorts): void {
  const { approvals, kinds, inbound, directory, events, clock } = ports
  const { id, group, session, chatId, thread, askedBy, askedByName, inboundId } = approval
  const chat = directory.chat(chatId)
  const isOwn = directory.bindings(chatId).some((binding) => binding.group === group)
  if (isOwn || (chat && isAgentChat(chat.address))) {
    const text = tellText(approval, kinds[approval.kind])
    const word = { chatId, thread, key: `approval:${id}`, senderId: askedBy, senderName: askedByName, text }
    inbound.tell({ ...word, group, session, after: inboundId }, clock.now())
  }
  approvals.markTold(id)
  events.approvalEnded(group, id, approval.kind, approval.state, approval.decidedBy)
  ports.nudge(approval)
}

async function settleCard(
  approval: Approval,
  ports: CarryOutPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const { approvals, directory, channelOf, events, clock } = ports
  const { id, cardChatId, decidedAt } = approval
  const chat = cardChatId === null ? null : directory.chat(cardChatId)
  const cards = chat && channelOf(chat.address.channel, chat.address.account)?.cards
  const message = approvals.cardMessage(id)
  const tooLate = decidedAt !== null && clock.now() - decidedAt > CARD_MS
  if (!chat || !cards || message === 'none' || tooLate) {
    approvals.markCardSettled(id)
    return 'idle'
  }
  if (message === 'waiting') return { waitMs: CARD_WAIT_MS }
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CARD_TIMEOUT_MS)])
    await cards.settle(chat.address, message.id, settledText(approval), limit)
  } catch (error) {
    events.approvalCardFailed(approval.group, id, errorText(error))
    if (!(error instanceof ChannelRefusedError)) throw error
  }
  approvals.markCardSettled(id)
  return 'idle'
}
