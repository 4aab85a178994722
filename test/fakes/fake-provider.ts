import type { TurnEvent, TurnInput } from '@creel/protocol'
import type { ProviderRuntime, ProviderTable, Turn } from '../../container/runner/src/index.ts'

/** A turn that says what the test tells it to; ends as a real one does when it is aborted. */
export class FakeTurn implements Turn {
  readonly input: TurnInput
  readonly signal: AbortSignal
  /** What was steered into it, whatever it answered. */
  readonly steered: string[] = []
  /** How it answers the next steers. */
  steerAnswer: Promise<'accepted' | 'too-late' | 'unsupported'> = Promise.resolve('accepted')
  over = false
  readonly #events: TurnEvent[] = []
  #steering = false
  #started = false
  #wake: () => void = () => undefined

  constructor(input: TurnInput, signal: AbortSignal) {
    this.input = input
    this.signal = signal
  }

  /** Adds events, in order. */
  say(...events: TurnEvent[]): this {
    this.#events.push(...events)
    this.#wake()
    return this
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnEvent, void> {
    const onAbort = () => this.say({ type: 'interrupted' })
    this.signal.addEventListener('abort', onAbort, { once: true })
    if (this.signal.aborted) onAbort()
    try {
      for (;;) {
        const event = this.#events.shift()
        if (event === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
          continue
        }
        if (event.type === 'started') this.#started = true
        yield event
        if (event.type === 'completed' || event.type === 'failed' || event.type === 'interrupted') return
      }
    } finally {
      this.over = true
      this.signal.removeEventListener('abort', onAbort)
    }
  }

  async steer(text: string): Promise<'accepted' | 'too-late' | 'unsupported'> {
    if (!this.#started) throw new Error('FakeTurn: steered before it has started')
    if (this.#steering) throw new Error('FakeTurn: steered while it is being steered')
    this.steered.push(text)
    this.#steering = true
    try {
      return await this.steerAnswer
    } finally {
      this.#steering = false
    }
  }
}

/** A runtime whose turns the test leads. Strict: one turn of a session at a time. */
export class FakeProvider implements ProviderRuntime {
  readonly name = 'demo'
  readonly turns: FakeTurn[] = []
  readonly #onTurn: (turn: FakeTurn) => void
  #closed = false

  /** `onTurn` may lead each turn as it begins. */
  constructor(onTurn: (turn: FakeTurn) => void = () => undefined) {
    this.#onTurn = onTurn
  }

  get table(): ProviderTable {
    return { demo: { needsGateway: false, make: () => this } }
  }

  startTurn(input: TurnInput, signal: AbortSignal): Turn {
    if (this.#closed) throw new Error('FakeProvider: a turn after close')
    if (this.turns.some((turn) => !turn.over && turn.input.session === input.session)) {
      throw new Error(`FakeProvider: two turns of ${input.session} at once`)
    }
    const turn = new FakeTurn(input, signal)
    this.turns.push(turn)
    this.#onTurn(turn)
    return turn
  }

  async close(): Promise<void> {
    this.#closed = true
  }
}
