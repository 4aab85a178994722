import { Pace } from './pace.ts'
import type { ProxyLimits } from './proxy-limits.ts'

const WINDOW_MS = 1_000
/** So many times the allowed rate is no client that waits when it is told to. */
const FLOOD = 3

/** What one group has under way, against its limits. */
export class GroupShare {
  /** May change between two connections. */
  limits: ProxyLimits
  readonly rate: Pace
  readonly connects: Pace
  readonly #now: () => number
  #connections = 0
  #requests = 0
  #windowFrom = Number.NEGATIVE_INFINITY
  #arrived = 0

  constructor(limits: ProxyLimits, now: () => number = () => performance.now()) {
    this.limits = limits
    this.rate = new Pace(limits.bytesPerSecond, now)
    this.connects = new Pace(limits.connectsPerSecond, now)
    this.#now = now
  }

  /** Takes room for a connection; null when there is none, else what gives it back (once, however often called). */
  connection(): (() => void) | null {
    if (this.#connections >= this.limits.connections) return null
    this.#connections++
    return once(() => this.#connections--)
  }

  /** The same for a request. */
  request(): (() => void) | null {
    if (this.#requests >= this.limits.requests) return null
    this.#requests++
    return once(() => this.#requests--)
  }

  /** Counts a request that arrived. */
  arrival(): 'fine' | 'too-fast' | 'flood' {
    const now = this.#now()
    if (now - this.#windowFrom >= WINDOW_MS) {
      this.#windowFrom = now
      this.#arrived = 0
    }
    this.#arrived++
    const { requestsPerSecond } = this.limits
    if (this.#arrived <= requestsPerSecond) return 'fine'
    return this.#arrived <= requestsPerSecond * FLOOD ? 'too-fast' : 'flood'
  }
}

function once(step: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) step()
    isDone = true
  }
}
