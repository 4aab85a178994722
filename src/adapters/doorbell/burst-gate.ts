/** Calls let through at once after a quiet time, and then for good every second. */
const BURST = 60
const PER_SECOND = 120

/**
 * Bounds how often `open` is called, whatever comes in. Ordinary knocks pass at once; of a flood, 120 a second do: each costs a look of about half a millisecond,
 * and the last knock is never lost.
 */
export class BurstGate {
  readonly #open: () => void
  #tokens = BURST
  #countedAt = performance.now()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(open: () => void) {
    this.#open = open
  }

  knock(): void {
    if (this.#closed || this.#timer) return
    const now = performance.now()
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#countedAt) / 1_000) * PER_SECOND)
    this.#countedAt = now
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      this.#open()
      return
    }
    const waitMs = Math.ceil(((1 - this.#tokens) / PER_SECOND) * 1_000)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.knock()
    }, waitMs)
  }

  /** Drops what is held back; later calls do nothing. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }
}
