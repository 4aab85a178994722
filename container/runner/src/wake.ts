import { type Clock, rest } from './clock.ts'

/** A latch between the doorbell and the reading loop: a ring before the wait is not lost, many rings are one. */
export class Wake {
  readonly #clock: Clock
  #rung = false
  #onRing: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung = true
    this.#onRing?.()
  }

  /** Resolves at the next ring, after `ms`, or when `signal` aborts; at once when rung since the last wait. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung) {
      const timer = new AbortController()
      this.#onRing = () => timer.abort()
      await rest(this.#clock, ms, AbortSignal.any([signal, timer.signal]))
      this.#onRing = undefined
    }
    this.#rung = false
  }
}
