import type { InstallConfig } from '../config/schema.ts'
import type { Notices } from '../delivery/notices.ts'
import type { FullPolicy } from '../domain/binding.ts'
import type { GroupName } from '../domain/ids.ts'
import type { DispatchPlan, InboundRow, RoleStore } from '../domain/ports/stores.ts'
import type { WaitingStore } from '../domain/ports/waiting.ts'
import type { CatchUp } from './late-messages.ts'
import { QueueBound, type QueueVerdict } from './queue-bound.ts'
import { RateLimiter, type TooFast } from './rate-limit.ts'

const HOUR_MS = 3_600_000

export interface BoundsPorts {
  readonly waiting: WaitingStore
  readonly roles: Pick<RoleStore, 'isOwner'>
  readonly notices: Pick<Notices, 'toChat'>
}

/** What may come in at once and wait for an agent (I13). Whatever is left out has a reason, and its chat is told once. */
export class Bounds {
  readonly #ports: BoundsPorts
  readonly #rate: RateLimiter
  readonly #queue: QueueBound

  readonly catchUp: CatchUp

  constructor(ports: BoundsPorts, { limits, chats }: Pick<InstallConfig, 'limits' | 'chats'>) {
    const { waiting } = ports
    this.#ports = ports
    this.#rate = new RateLimiter(
      { senderPerMinute: limits.sender_per_minute, chatPerMinute: limits.chat_per_minute },
      (message, limit) => waiting.saidBefore(message, limit),
    )
    this.#queue = new QueueBound({ bound: chats.queue_bound, cap: limits.max_waiting }, waiting)
    this.catchUp = { maxAgeMs: chats.catch_up_max_age_h * HOUR_MS, collect: chats.catch_up_collect }
  }

  /** The plans of one message, with what is not given to its agent set aside. The same message again: the same. */
  apply(
    message: InboundRow,
    plans: readonly DispatchPlan[],
    policyOf: (group: GroupName) => FullPolicy,
  ): readonly DispatchPlan[] {
    if (plans.every((plan) => plan.aside !== undefined || plan.command !== undefined)) return plans
    const tooFast = this.#rate.judge(message)
    if (tooFast && !this.#ports.roles.isOwner(message.senderId)) {
      this.#tellFast(message, tooFast)
      const reason = `more than ${tooFast.perMinute} messages a minute ${of(tooFast)} (limits.${tooFast.who}_per_minute)`
      return plans.map((plan) => ({ ...plan, aside: { kind: 'rate', reason } }))
    }
    return plans.map((plan) => this.#queued(message, plan, policyOf))
  }

  /** Why a word to the host is not heard; null when it is. */
  refuseCommand(message: InboundRow): string | null {
    const tooFast = this.#rate.judgeCommand(message)
    if (!tooFast || this.#ports.roles.isOwner(message.senderId)) return null
    this.#tellFast(message, tooFast)
    return `more than ${tooFast.perMinute} commands a minute from this person`
  }

  #queued(message: InboundRow, plan: DispatchPlan, policyOf: (group: GroupName) => FullPolicy): DispatchPlan {
    if (plan.aside !== undefined || plan.command !== undefined) return plan
    const verdict = this.#queue.judge(plan.group, plan.session, policyOf(plan.group), message.id)
    if (verdict.tell !== null) this.#tellFull(message, plan, verdict)
    if (verdict.place === 'queue') return plan
    const reason =
      verdict.place === 'refuse'
        ? `${verdict.waiting} messages of its conversation waited already`
        : 'waits to be given with others as one'
    return { ...plan, aside: { kind: verdict.place === 'refuse' ? 'full' : 'summary', reason } }
  }

  #tellFast(message: InboundRow, tooFast: TooFast): void {
    if (!tooFast.first) return
    this.#ports.notices.toChat(
      message.chatId,
      message.address.thread,
      `More than ${tooFast.perMinute} messages a minute came ${of(tooFast)}. What is beyond that is left out until it is calmer.`,
      `too-fast:${tooFast.who}:${message.id}`,
    )
  }

  #tellFull(message: InboundRow, { group }: DispatchPlan, { tell, waiting }: QueueVerdict): void {
    const wait = `${waiting} messages wait here already.`
    const text =
      tell === 'slow'
        ? `${wait} They are answered one after the other, so it will take a while; \`/stop\` drops them.`
        : tell === 'together'
          ? `${wait} What comes now is read, and answered together.`
          : `${wait} No more are taken until they are answered. Please say it again later.`
    const { chatId, address } = message
    this.#ports.notices.toChat(chatId, address.thread, text, `full:${tell}:${group}:${message.id}`)
  }
}

function of({ who }: TooFast): string {
  return who === 'sender' ? 'from one person' : 'in this chat'
}
