import type { TurnEvent } from '@creel/protocol'

/**
 * Events of one turn between the server's stream and the reader of the turn. A reader that falls behind finds texts
 * joined and signs of life merged, so the queue stays small. After `end` nothing more is taken.
 */
export class EventQueue {
  readonly #waiting: TurnEvent[] = []
  #ended = false
  #wake: (() => void) | undefined

  get ended(): boolean {
    return this.#ended
  }

  push(event: TurnEvent): void {
    if (this.#ended) return
    const last = this.#waiting.at(-1)
    if (event.type === 'activity' && last !== undefined) return
    if (event.type === 'delta' && last?.type === 'delta') {
      this.#waiting[this.#waiting.length - 1] = { type: 'delta', text: last.text + event.text }
    } else {
      this.#waiting.push(event)
    }
    this.#wake?.()
  }

  /** Adds the last event. */
  end(event: TurnEvent): void {
    this.push(event)
    this.#ended = true
  }

  /** The next event; undefined after the last one. One reader at a time. */
  async next(): Promise<TurnEvent | undefined> {
    for (;;) {
      const event = this.#waiting.shift()
      if (event !== undefined || this.#ended) return event
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
