import type { GroupConfig } from '../config/schema.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { EgressLogStore } from '../domain/ports/egress-log.ts'
import { egressLimits } from './egress-limits.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const HOURS_A_DAY = 24
const MB = 1_000_000

interface Spent {
  minute: number
  requests: number
  /** Bytes by hour (UTC), of the last day. */
  readonly hours: Map<number, number>
}

/**
 * How much each group has used of what it may ask of the network: requests by the minute, bytes by the hour and by the
 * last 24 hours. Bytes outlive a restart: they are summed from the log.
 */
export class EgressBudget {
  readonly #log: Pick<EgressLogStore, 'bytesByHour'>
  readonly #spent = new Map<GroupName, Spent>()

  constructor(log: Pick<EgressLogStore, 'bytesByHour'>) {
    this.#log = log
  }

  /** Counts one more request; null, or why it may not pass now. One that may not is not counted. */
  take(group: GroupName, config: Pick<GroupConfig, 'limits'>, now: UnixMs): string | null {
    const { requestsPerMinute, bytesPerHour, bytesPerDay } = egressLimits(config)
    const spent = this.#of(group, now)
    const hour = Math.floor(now / HOUR_MS)
    if ((spent.hours.get(hour) ?? 0) >= bytesPerHour)
      return `this hour's ${inMb(bytesPerHour)} are used up (limits.egress.mb_per_hour)`
    if ([...spent.hours.values()].reduce((sum, bytes) => sum + bytes, 0) >= bytesPerDay)
      return `the ${inMb(bytesPerDay)} of 24 hours are used up (limits.egress.mb_per_day)`
    if (spent.requests >= requestsPerMinute)
      return `more than ${requestsPerMinute} requests in a minute (limits.egress.requests_per_minute): wait a while`
    spent.requests += 1
    return null
  }

  /** Bytes of a connection or request that ended. */
  count(group: GroupName, bytes: number, now: UnixMs): void {
    const { hours } = this.#of(group, now)
    const hour = Math.floor(now / HOUR_MS)
    hours.set(hour, (hours.get(hour) ?? 0) + bytes)
  }

  #of(group: GroupName, now: UnixMs): Spent {
    let spent = this.#spent.get(group)
    if (spent === undefined) {
      spent = { minute: 0, requests: 0, hours: this.#logged(group, now) }
      this.#spent.set(group, spent)
    }
    const minute = Math.floor(now / MINUTE_MS)
    if (spent.minute !== minute) {
      spent.minute = minute
      spent.requests = 0
      const oldest = Math.floor(now / HOUR_MS) - HOURS_A_DAY + 1
      for (const hour of spent.hours.keys()) if (hour < oldest) spent.hours.delete(hour)
    }
    return spent
  }
  #logged(group: GroupName, now: UnixMs): Map<number, number> {
    const since = (now - HOURS_A_DAY * HOUR_MS) as UnixMs
    return new Map(this.#log.bytesByHour(group, since).map(({ hour, bytes }) => [hour / HOUR_MS, bytes]))
  }
}

function inMb(bytes: number): string {
  return `${bytes / MB} MB`
}
