/** However much was asked for, a while later it goes on. */
const MAX_WAIT_MS = 5_000

/** How much passes in a second, shared by all that one group has under way. A second's worth may pass at once. */
export class Pace {
  readonly #perSecond: number
  readonly #now: () => number
  /** When what was let through so far is paid for. */
  #paidAt = Number.NEGATIVE_INFINITY

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond
    this.#now = now
  }

  /** Counts so much of it; returns for how many milliseconds it is to be held back. */
  take(amount: number): number {
    const now = this.#now()
    const paidAt = Math.max(this.#paidAt, now - 1_000) + (amount / this.#perSecond) * 1_000
    this.#paidAt = Math.min(paidAt, now + MAX_WAIT_MS)
    return Math.max(0, this.#paidAt - now)
  }
}
