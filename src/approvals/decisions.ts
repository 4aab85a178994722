import type { Notices } from '../delivery/notices.ts'
import type { Approval, ApprovalKindName } from '../domain/approval.ts'
import { CreelError } from '../domain/errors.ts'
import type { UserId } from '../domain/ids.ts'
import type { ApprovalStore } from '../domain/ports/approvals.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DispatchPlan, InboundRow, RoleStore } from '../domain/ports/stores.ts'
import { type BindingFacts, isLetIn } from '../routing/router.ts'
import { CODE_FORM, isAsShown } from './approval-code.ts'
import type { ApprovalKind } from './approval-kind.ts'
import { stateText } from './approval-text.ts'
import { questionOf } from './question-kind.ts'

export interface DecisionPorts {
  readonly approvals: ApprovalStore
  readonly kinds: Readonly<Record<ApprovalKindName, ApprovalKind>>
  readonly roles: Pick<RoleStore, 'roles'>
  readonly notices: Pick<Notices, 'toChat'>
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly clock: Pick<Clock, 'now'>
  /** There is something to carry out, to tell or to show. */
  readonly nudge: (id: number) => void
}

const TYPED = new RegExp(
  `^(?:@\\S+\\s+)?/(approve|reject|answer)(?:@\\S+)?\\s+(${CODE_FORM})(?:\\s+([\\s\\S]+))?$`,
  'i',
)
const NUMBER = /^\d{1,2}$/
const MAX_ANSWER = 2_000

/** Who decides, and with what. */
interface Said {
  readonly by: UserId
  readonly byName: string
  /** Behind the code. */
  readonly words: string
  readonly reject: boolean
}

/** The one place where asks are decided: buttons, typed words and the command line all come here. */
export class Decisions {
  readonly #ports: DecisionPorts

  constructor(ports: DecisionPorts) {
    this.#ports = ports
  }

  /**
   * Takes a message that decides something; false for every other. One of somebody who may not decide changes nothing,
   * and is answered once. Idempotent.
   */
  take(message: InboundRow, facts: readonly BindingFacts[]): boolean {
    const typed = TYPED.exec(message.text.trim())
    if (typed === null) return this.#numbered(message, facts)
    const [, verb = '', code = '', words = ''] = typed
    const approval = this.#ports.approvals.byCode(code.toLowerCase())
    if (!approval) return this.#unknownCode(message, facts)
    if (!this.#mayDecide(approval, message, facts)) {
      // A code that was seen nowhere is an ordinary message: a stranger learns nothing by trying.
      if (message.chatId !== approval.cardChatId && !facts.some(isLetIn)) return false
      const who =
        this.#ports.kinds[approval.kind].decides === 'admin'
          ? `Only an owner or an admin of ${approval.group} can decide this.`
          : this.#ports.kinds[approval.kind].decides === 'owner'
            ? 'Only an owner can decide this.'
            : 'This question is not for you to answer.'
      this.#say(message, who, `not-yours:${approval.id}:${message.senderId}`)
      return true
    }
    const said = {
      by: message.senderId,
      byName: message.senderName,
      words,
      reject: verb.toLowerCase() === 'reject',
    }
    this.#answer(message, approval, this.#decide(approval, said))
    return true
  }

  /** An ordinary message that goes to an agent which asked for free words here: its question is answered by it. */
  answeredInWords(message: InboundRow, plans: readonly DispatchPlan[], facts: readonly BindingFacts[]): void {
    if (plans.length === 0 || (message.chatKind !== 'private' && !message.mentionsUs)) return
    const { approvals, clock, nudge } = this.#ports
    for (const approval of approvals.questionsIn(message.chatId)) {
      const isFor = plans.some(({ group, command }) => group === approval.group && command === undefined)
      if (!isFor || !questionOf(approval).freeText || !this.#mayDecide(approval, message, facts)) continue
      const answer = message.text.slice(0, MAX_ANSWER)
      const { senderId: by, senderName: byName } = message
      const decision = { state: 'allowed', choice: null, answer, by, byName, at: clock.now() } as const
      if (!approvals.decide(approval.id, decision)) continue
      approvals.finish(approval.id, 'done', 'answered in words', clock.now())
      // The words themselves go to the agent.
      approvals.markTold(approval.id)
      nudge(approval.id)
    }
  }

  /** The same for the person at the machine. Throws CreelError when it cannot be decided. Returns it as it is now. */
  byOperator(id: number, said: Omit<Said, 'byName'>): Approval {
    const { approvals } = this.#ports
    const approval = approvals.find(id)
    if (!approval) {
      throw new CreelError('not_found', `there is no approval ${id}`, { hint: './creel approvals list' })
    }
    const problem = this.#decide(approval, { ...said, byName: 'the command line' })
    if (problem !== null) throw new CreelError('conflict', problem)
    return approvals.find(id) ?? approval
  }

  /** Writes the decision down; null when it counts, else why it does not. */
  #decide(approval: Approval, said: Said): string | null {
    const { approvals, clock, nudge } = this.#ports
    const at = clock.now()
    if (approval.state !== 'asked') return `This is decided already. ${stateText(approval)}.`
    if (approval.expiresAt <= at) return 'It is too late: the time for this is over.'
    if (!isAsShown(approval)) {
      approvals.finish(approval.id, 'failed', 'it was changed after it was shown', at)
      nudge(approval.id)
      return 'This was changed after it was shown, so it is not carried out.'
    }
    const chosen = choiceOf(approval, said)
    if (chosen === null) {
      const ids = approval.choices.map(({ id, label }) => `${id} (${label})`)
      return `Expected one of: ${ids.join(', ')}.`
    }
    const { by, byName } = said
    if (!approvals.decide(approval.id, { ...chosen, by, byName, at })) return 'This is decided already.'
    nudge(approval.id)
    return null
  }

  #mayDecide(approval: Approval, message: InboundRow, facts: readonly BindingFacts[]): boolean {
    const roles = this.#ports.roles.roles(message.senderId, approval.group)
    if (roles.includes('denied')) return false
    const { decides } = this.#ports.kinds[approval.kind]
    if (roles.includes('owner')) return true
    if (roles.includes('admin') && decides !== 'owner') return true
    if (decides !== 'chat' || message.senderIsBot) return false
    if (message.chatId !== approval.chatId) return false
    if (questionOf(approval).onlySpeaker && message.senderId !== approval.askedBy) return false
    return facts.some((one) => one.binding.group === approval.group && isLetIn(one))
  }

  /** A bare number answers the one question that is open in this chat. */
  #numbered(message: InboundRow, facts: readonly BindingFacts[]): boolean {
    const words = message.text.trim()
    if (!NUMBER.test(words)) return false
    const open = this.#ports.approvals.questionsIn(message.chatId)
    const [approval] = open
    if (open.length !== 1 || !approval?.choices.some(({ id }) => id === String(Number(words)))) return false
    if (!this.#mayDecide(approval, message, facts)) return false
    const said = {
      by: message.senderId,
      byName: message.senderName,
      words: String(Number(words)),
      reject: false,
    }
    this.#answer(message, approval, this.#decide(approval, said))
    return true
  }

  /** Somebody the agents listen to is told; anybody else has written an ordinary message. */
  #unknownCode(message: InboundRow, facts: readonly BindingFacts[]): boolean {
    if (!facts.some(isLetIn)) return false
    this.#say(message, 'Nothing is asked under this code.', `command:${message.id}`)
    return true
  }

  /** A card in this chat shows it by itself where it can be changed. */
  #answer(message: InboundRow, approval: Approval, problem: string | null): void {
    if (problem !== null) {
      this.#say(message, problem, `decided:${approval.id}:${message.id}`)
      return
    }
    const { channel, account } = message.address
    const shows = message.chatId === approval.cardChatId && this.#ports.channelOf(channel, account)?.cards
    if (shows) return
    const now = this.#ports.approvals.find(approval.id) ?? approval
    this.#say(message, `${stateText(now)}.`, `decided:${approval.id}:${message.id}`)
  }

  #say(message: InboundRow, text: string, key: string): void {
    this.#ports.notices.toChat(message.chatId, message.address.thread, text, key)
  }
}

/** What was chosen; null when it is none of the choices. */
function choiceOf(
  { choices, kind, payload }: Approval,
  { words, reject }: Said,
): { state: 'allowed' | 'denied'; choice: string | null; answer: string | null } | null {
  const named = choices.find(({ id, label }) => id === words.toLowerCase() || label === words)
  if (kind === 'question') {
    if (named) return { state: 'allowed', choice: named.id, answer: null }
    const answer = words.trim().slice(0, MAX_ANSWER)
    return answer !== '' && questionOf({ payload }).freeText
      ? { state: 'allowed', choice: null, answer }
      : null
  }
  if (reject) return { state: 'denied', choice: null, answer: null }
  const allowing = choices.filter(({ allows }) => allows)
  const chosen = words === '' ? allowing[0] : allowing.find(({ id }) => id === named?.id)
  return chosen ? { state: 'allowed', choice: chosen.id, answer: null } : null
}
