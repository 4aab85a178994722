/** How many bytes a second pass, shared by all streams of one group. A second's worth may pass at once. */
export class ByteRate {
  readonly #perSecond: number
  readonly #now: () => number
  /** When what was let through so far is paid for. */
  #paidAt = Number.NEGATIVE_INFINITY

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond
    this.#now = now
  }

  /** Counts these bytes; returns for how many milliseconds they are to be held back. */
  take(bytes: number): number {
    const now = this.#now()
    this.#paidAt = Math.max(this.#paidAt, now - 1_000) + (bytes / this.#perSecond) * 1_000
    return Math.max(0, this.#paidAt - now)
  }
}
