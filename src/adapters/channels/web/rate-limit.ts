import type { UnixMs } from '../../../domain/ids.ts'

export interface RateLimitRule {
  /** How many may come at once after a rest. */
  readonly burst: number
  /** One more is allowed every so many milliseconds. */
  readonly everyMs: number
}

/** Keys that are remembered at once; the longest unused are forgotten, which can only be generous. */
const MAX_KEYS = 1_000

/** Token buckets, one for each key. In memory: a restart forgives. */
export class RateLimit {
  readonly #rule: RateLimitRule
  /** Time at which the bucket of a key is full again, in order of last use. */
  readonly #fullAt = new Map<string, number>()

  constructor(rule: RateLimitRule) {
    this.#rule = rule
  }

  /** Takes one; returns 0, or how many milliseconds to wait before the next try (nothing was taken then). */
  take(key: string, now: UnixMs): number {
    const { burst, everyMs } = this.#rule
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, now)
    const wait = fullAt - now + everyMs - burst * everyMs
    if (wait > 0) return wait
    this.#fullAt.delete(key)
    this.#fullAt.set(key, fullAt + everyMs)
    if (this.#fullAt.size > MAX_KEYS) this.#forgetOldest()
    return 0
  }

  #forgetOldest(): void {
    for (const key of this.#fullAt.keys()) {
      this.#fullAt.delete(key)
      return
    }
  }
}
