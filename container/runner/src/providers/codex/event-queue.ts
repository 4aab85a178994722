import type { TurnEvent } from '@creel/protocol'

/**
 * Events of one turn, from where they arise to the one who reads them. Deltas that wait are joined and signs of life
 * that wait are one, so a slow reader costs no memory but the text itself.
 */
export class EventQueue implements AsyncIterator<TurnEvent, undefined> {
  readonly #waiting: TurnEvent[] = []
  #closed = false
  #wake: (() => void) | undefined

  push(event: TurnEvent): void {
    if (this.#closed) return
    const last = this.#waiting.at(-1)
    if (last?.type === 'delta' && event.type === 'delta') {
      this.#waiting[this.#waiting.length - 1] = { type: 'delta', text: last.text + event.text }
    } else if (last?.type !== 'activity' || event.type !== 'activity') this.#waiting.push(event)
    this.#wake?.()
  }

  /** No more events; what waits is still read. Idempotent. */
  close(): void {
    this.#closed = true
    this.#wake?.()
  }

  async next(): Promise<IteratorResult<TurnEvent, undefined>> {
    for (;;) {
      const event = this.#waiting.shift()
      if (event) return { done: false, value: event }
      if (this.#closed) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
