import { BoundedMap } from './bounded-map.ts'

/** When a message was said, by the platform's clock, and when it came, by ours. */
export interface Arrival {
  readonly sentAt: number
  readonly receivedAt: number
}

/** What the messages of one account of a channel tell about it. */
export interface Account {
  readonly heardAt: number
  /** Since then it has not been silent for long. */
  readonly burstSince: number
  /** When it was heard last before that; null when never. */
  readonly heardBefore: number | null
  /** What the platform's clock is behind ours, as far as one can tell. */
  readonly skewMs: number
  readonly leastLagMs: number
  /** When the message with the least lag came. */
  readonly leastAt: number
}

/** A channel that said nothing for so long may have been cut off, or the host down. */
const SILENCE_MS = 60_000
/** Handing over what piled up takes no longer. */
const DRAIN_MS = 600_000
/** What piled up comes faster than it was said; what lags alike for so long is said now, and a clock was set. */
const STEADY_MS = 10_000
/** Platforms say seconds. */
const LIKE_MS = 2_000
const MAX_ACCOUNTS = 1_000

/**
 * Whether a message waited at its platform for us, and how long. A platform's clock may be wrong: a message is late only
 * when it comes right after a silence in which it was said; it cannot be older than that silence, for before that it
 * would have been handed over. Pure.
 */
export function arrive(account: Account | null, { sentAt, receivedAt }: Arrival): [Account, number] {
  const lag = receivedAt - sentAt
  const next = heard(account, receivedAt, lag)
  // Of a channel that was never heard nobody knows whether its clock is right.
  if (next.heardBefore === null) return [next, 0]
  const lateMs = Math.min(lag - next.skewMs, receivedAt - next.heardBefore)
  const inSilence = sentAt + next.skewMs < next.burstSince && receivedAt - next.burstSince <= DRAIN_MS
  return [next, inSilence && lateMs >= SILENCE_MS ? lateMs : 0]
}

function heard(account: Account | null, at: number, lag: number): Account {
  const begins = { heardAt: at, burstSince: at, leastLagMs: lag, leastAt: at }
  if (account === null) return { ...begins, heardBefore: null, skewMs: 0 }
  if (at - account.heardAt >= SILENCE_MS)
    return { ...begins, heardBefore: account.heardAt, skewMs: account.leastLagMs }
  const { leastLagMs, leastAt, skewMs } = account
  const steady = Math.abs(lag - leastLagMs) <= LIKE_MS && at - leastAt >= STEADY_MS
  const least = lag < leastLagMs ? { leastLagMs: lag, leastAt: at } : {}
  return { ...account, ...least, heardAt: at, skewMs: steady ? leastLagMs : skewMs }
}

/** Watches the accounts of all channels; after a restart it goes on from the last message of each. */
export class ArrivalWatch {
  readonly #lastOf: (channel: string, account: string) => Arrival | null
  readonly #accounts = new BoundedMap<string, Account>(MAX_ACCOUNTS)

  constructor(lastOf: (channel: string, account: string) => Arrival | null) {
    this.#lastOf = lastOf
  }

  /** How long a message that comes now has waited for us; 0 = it came at once. To be called once for each, in order. */
  lateMs(channel: string, account: string, arrival: Arrival): number {
    const key = `${channel}/${account}`
    const known = this.#accounts.get(key) ?? this.#recall(channel, account)
    const [next, lateMs] = arrive(known, arrival)
    this.#accounts.set(key, next)
    return lateMs
  }

  #recall(channel: string, account: string): Account | null {
    const last = this.#lastOf(channel, account)
    if (last === null) return null
    const { receivedAt: at, sentAt } = last
    const lag = at - sentAt
    return { heardAt: at, burstSince: at, heardBefore: at, skewMs: lag, leastLagMs: lag, leastAt: at }
  }
}
