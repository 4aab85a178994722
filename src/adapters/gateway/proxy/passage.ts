import type { PassedBytes } from '../../../domain/ports/egress.ts'

const NOTHING: PassedBytes = { bytesOut: 0, bytesIn: 0 }

/** One tunnel, request or WebSocket that is under way, as far as its bytes were told of. */
export class Passage {
  /** What passed up to now; set by whoever counts it. */
  read: () => PassedBytes = () => NOTHING
  #told = NOTHING

  /** What was told of it; null for nothing. */
  get told(): PassedBytes | null {
    return this.#told.bytesOut + this.#told.bytesIn > 0 ? this.#told : null
  }

  /** What passed since this was last called. */
  next(): PassedBytes {
    const [now, before] = [this.read(), this.#told]
    this.#told = now
    return { bytesOut: now.bytesOut - before.bytesOut, bytesIn: now.bytesIn - before.bytesIn }
  }
}

/** What one group has under way. Tells now and then what passed: what lasts for hours is to count while it lasts. */
export class Passages {
  readonly #everyMs: number
  readonly #underWay = new Map<Passage, (part: PassedBytes, isFirst: boolean) => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** `tell` hears of bytes that passed since it last did. */
  begin(tell: (part: PassedBytes, isFirst: boolean) => void): Passage {
    const passage = new Passage()
    this.#underWay.set(passage, tell)
    this.#timer ??= setInterval(() => this.#tellAll(), this.#everyMs).unref()
    return passage
  }

  /** No more is told of it. Idempotent. */
  end(passage: Passage): void {
    this.#underWay.delete(passage)
    if (this.#underWay.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tellAll(): void {
    for (const [passage, tell] of this.#underWay) {
      const isFirst = passage.told === null
      const part = passage.next()
      if (part.bytesOut + part.bytesIn > 0) tell(part, isFirst)
    }
  }
}
