const SHORTEST_MS = 2
const LONGEST_MS = 100

/**
 * Lets the first of many calls through at once and holds the rest back: at most one more per pause, and the pauses
 * double while the calls keep coming. A lone ring costs no delay; a flood costs ten calls a second.
 */
export class BurstGate {
  readonly #open: () => void
  #pauseMs = SHORTEST_MS
  #timer: NodeJS.Timeout | undefined
  #pending = false
  #closed = false

  constructor(open: () => void) {
    this.#open = open
  }

  knock(): void {
    if (this.#closed) return
    if (this.#timer) {
      this.#pending = true
      return
    }
    this.#timer = setTimeout(() => this.#pauseOver(), this.#pauseMs)
    this.#open()
  }

  /** Drops what is held back; later calls do nothing. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #pauseOver(): void {
    this.#timer = undefined
    if (!this.#pending) {
      this.#pauseMs = SHORTEST_MS
      return
    }
    this.#pending = false
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_MS)
    this.knock()
  }
}
