import type { OutboxAsk } from '@creel/protocol'
import { isAgentChat } from '../domain/agent-request.ts'
import type { ApprovalKindName, AskOrigin, NewApproval } from '../domain/approval.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { ApprovalStore } from '../domain/ports/approvals.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  ChatRow,
  DirectoryStore,
  DispatchStore,
  InboundRow,
  NewDelivery,
  RoleStore,
} from '../domain/ports/stores.ts'
import { approvalCode, canonicalJson, payloadHash } from './approval-code.ts'
import type { ApprovalKind, AskedFor } from './approval-kind.ts'
import { cardText } from './approval-text.ts'
import { cardDeliveries } from './card-deliveries.ts'

/** Asks of one group that may wait at a time, and that it may make in an hour (I13). */
export const MAX_OPEN = 5
export const MAX_PER_HOUR = 20
const HOUR_MS = 3_600_000
/** What a person denied is not put before them again for so long. */
const DENIED_MS = 24 * HOUR_MS

export interface AskPorts {
  readonly approvals: Pick<ApprovalStore, 'openOf' | 'askedSince' | 'deniedSince'>
  readonly kinds: Readonly<Record<ApprovalKindName, ApprovalKind>>
  readonly directory: Pick<DirectoryStore, 'chat'>
  readonly dispatches: Pick<DispatchStore, 'sessionOf'>
  readonly roles: Pick<RoleStore, 'deciderChats' | 'ownerChats' | 'roles'>
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly clock: Pick<Clock, 'now'>
}

type AskBase = Omit<
  NewApproval,
  'card' | 'code' | 'choices' | 'expiresAt' | 'cardKey' | 'cardChatId' | 'settled'
>

export type PlannedAsk =
  /** To be recorded; deliveries are its card. */
  | { readonly approval: NewApproval; readonly deliveries: readonly NewDelivery[]; readonly chatId: ChatId }
  /** It waits already: its agent will be told once. */
  | 'same'
  | { readonly refused: string }

/**
 * What an ask of an agent amounts to. Who asks, for whom and where from is found in the host's tables by the position
 * of the message that it works on; nothing that the entry says grants anything. `taken`: asks of the same batch.
 */
export function planAsk(
  group: GroupName,
  seq: number,
  entry: OutboxAsk,
  origin: InboundRow,
  taken: readonly NewApproval[],
  ports: AskPorts,
): PlannedAsk {
  const session = ports.dispatches.sessionOf(group, entry.inboxSeq)
  if (session === null) return { refused: 'the group was never given that message' }
  const now = ports.clock.now()
  const kind = ports.kinds[entry.ask.kind]
  const from: AskOrigin = {
    ...{ group, session, inboundId: origin.id, askedBy: origin.senderId, askedByName: origin.senderName },
    ...{ chatId: origin.chatId, thread: origin.address.thread },
  }
  const withinHour = ports.approvals.askedSince(group, (now - HOUR_MS) as UnixMs) + taken.length
  const asked = kind.read(group, entry.ask)
  const payload = canonicalJson('payload' in asked ? asked.payload : entry.ask)
  const hash = payloadHash({ kind: kind.name, group, payload })
  const open = [...ports.approvals.openOf(group), ...taken.filter(({ settled }) => settled === undefined)]
  if (open.some((one) => one.payloadHash === hash && one.session === session)) return 'same'
  const base = { ...from, kind: kind.name, payload, payloadHash: hash, askedAt: now, key: `${group}:${seq}` }
  const unasked = (state: 'done' | 'denied', outcome: string, key = base.key): PlannedAsk => ({
    approval: {
      ...{ ...base, key, card: '', choices: [], expiresAt: now, cardKey: null, cardChatId: null },
      code: approvalCode({ ...base, card: '' }),
      settled: { state, outcome },
    },
    deliveries: [],
    chatId: origin.chatId,
  })
  if (withinHour > MAX_PER_HOUR) return { refused: `more than ${MAX_PER_HOUR} asks in an hour` }
  if (withinHour === MAX_PER_HOUR)
    return unasked(
      'denied',
      `You have asked ${MAX_PER_HOUR} times within an hour. What you ask next is dropped without a word.`,
    )
  if ('settled' in asked) return unasked(asked.settled, asked.outcome)
  const nobody = isAgentChat(origin.address) ? unheard(kind, group, origin, ports) : null
  if (nobody !== null) return unasked('denied', nobody)
  if (open.length >= MAX_OPEN)
    return unasked(
      'denied',
      `${MAX_OPEN} of your asks wait already. Wait for their answers before you ask more.`,
    )
  const denied = ports.approvals.deniedSince(group, kind.name, hash, (now - DENIED_MS) as UnixMs)
  if (denied)
    return unasked('denied', 'It was denied within the last day, and that stands. Go on without it.')
  return withCard(kind, asked, { ...base, inboxSeq: entry.inboxSeq }, origin, ports)
}

/** Why nobody can be asked in a conversation of two agents; null when somebody can. */
function unheard(kind: ApprovalKind, group: GroupName, origin: InboundRow, ports: AskPorts): string | null {
  if (kind.decides === 'chat')
    return 'No person is in this conversation. Put the question into your answer to the agent that asked you.'
  return deciderChat(kind, group, origin, ports) === null ? 'Nobody who could decide can be reached.' : null
}

function withCard(
  kind: ApprovalKind,
  asked: Extract<AskedFor, { payload: object }>,
  { inboxSeq, ...base }: AskBase & { readonly inboxSeq: number },
  origin: InboundRow,
  ports: AskPorts,
): PlannedAsk {
  const { group, askedAt, chatId } = base
  const place = kind.decides === 'chat' ? null : deciderChat(kind, group, origin, ports)
  const chat = place ?? ports.directory.chat(chatId)
  if (!chat) return { refused: 'its chat is gone' }
  const expiresAt = (askedAt + asked.openMs) as UnixMs
  const card = cardText(kind, base, asked.what, { chat: ports.directory.chat(chatId), expiresAt })
  const approval: NewApproval = {
    ...{ ...base, card, choices: asked.choices, expiresAt },
    code: approvalCode({ ...base, card }),
    cardKey: `ask:${base.key}`,
    cardChatId: chat.id,
  }
  // Whoever asks a question is its author; a request is put by the host itself.
  const author = kind.decides === 'chat' ? { group, inboxSeq } : undefined
  const file = kind.attached?.(approval)
  const deliveries = cardDeliveries(approval, chat, ports.channelOf, { author, file })
  return { approval, deliveries, chatId: chat.id }
}

/**
 * Where those who decide are asked: in the private chat it came from when that is one of them; else where one of them
 * wrote last in private; null when nobody can be reached there.
 */
function deciderChat(
  { decides }: ApprovalKind,
  group: GroupName,
  origin: InboundRow,
  ports: AskPorts,
): ChatRow | null {
  const chats = (decides === 'owner' ? ports.roles.ownerChats() : ports.roles.deciderChats(group)).filter(
    ({ address }) => ports.channelOf(address.channel, address.account) !== undefined,
  )
  return chats.find(({ id }) => id === origin.chatId) ?? chats[0] ?? null
}
