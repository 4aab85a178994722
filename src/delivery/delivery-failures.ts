import type { UnixMs } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DeliveryStore, FailedDelivery } from '../domain/ports/stores.ts'
import type { StepResult } from '../pump.ts'
import type { Notices } from './notices.ts'

export interface FailureReportPorts {
  readonly deliveries: Pick<DeliveryStore, 'untoldFailures' | 'ownerTold'>
  readonly notices: Pick<Notices, 'toOwner'>
  readonly clock: Pick<Clock, 'now'>
}

/** One message to the owner in this time, however much fails. */
const EVERY_MS = 300_000
const TOLD_AT_ONCE = 500
const LINES = 5

/** Tells the owner what could not be sent: at once the first time, then collected. Forgotten by a restart. */
export class DeliveryFailures {
  readonly #ports: FailureReportPorts
  #notBefore = 0

  constructor(ports: FailureReportPorts) {
    this.#ports = ports
  }

  /** Step of its pump. Told before it is marked: killed between the two, the notice is known by its key. */
  step(): StepResult {
    const { deliveries, notices, clock } = this.#ports
    const failed = deliveries.untoldFailures(TOLD_AT_ONCE)
    const [first] = failed
    if (!first) return 'idle'
    const now = clock.now()
    if (now < this.#notBefore) return { waitMs: this.#notBefore - now }
    this.#notBefore = now + EVERY_MS
    notices.toOwner(failureText(failed), `undelivered:${first.id}`)
    deliveries.ownerTold(failed.map(({ id }) => id))
    return 'again'
  }
}

function failureText(failed: readonly FailedDelivery[]): string {
  const lines = new Map<string, number>()
  for (const { chat, group, reason } of failed) {
    const title = chat.title === '' ? '' : ` “${chat.title.slice(0, 60)}”`
    const line = `${group} to ${chat.address.channel}:${chat.address.chat}${title}: ${reason.slice(0, 200)}`
    lines.set(line, (lines.get(line) ?? 0) + 1)
  }
  const shown = [...lines].slice(0, LINES).map(([line, n]) => `- ${line}${n > 1 ? ` (${n} messages)` : ''}`)
  const rest = lines.size > LINES ? [`- and ${lines.size - LINES} more`] : []
  return [
    `${failed.length === 1 ? 'An answer' : `${failed.length} messages of agents`} could not be delivered:`,
    ...shown,
    ...rest,
    'See `./creel deliveries list --state failed`; `./creel deliveries retry` sends again.',
  ].join('\n')
}

/** What the owner hears of a platform that does not answer; read when it is back if it is the only way to them. */
export function outageText(channel: string, since: UnixMs): string {
  const when = new Date(since).toISOString().slice(11, 16)
  return `Nothing could be sent to **${channel}** since ${when} UTC. What agents say there is kept, and sent in order when it answers.`
}
