import type { TurnEvent, TurnLimits, TurnPhase } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'

/** How often it is looked whether a turn still gets on; a clock that jumps counts as one look. */
const LOOK_MS = 1_000
/** A runtime that says it will wait for longer than this is not believed. */
const MAX_WAIT_MS = 3_600_000

/** A phase that went on for its whole limit without an event. */
export interface Hung {
  readonly phase: TurnPhase
  readonly limitMs: number
}

/**
 * Knows what a turn is doing, from its events, and for how long it has not got on. Whether the process lives is
 * another question, which its heartbeat answers.
 */
export class PhaseWatch {
  readonly #limits: TurnLimits['phaseMs']
  #basic: 'starting' | 'resuming' | 'model'
  #tools = 0
  /** What the runtime says it is doing besides; until something comes of it. */
  #told: 'compacting' | 'waiting' | undefined
  #waitMs = 0
  #quietMs = 0

  constructor(limits: TurnLimits['phaseMs'], resuming: boolean) {
    this.#limits = limits
    this.#basic = resuming ? 'resuming' : 'starting'
  }

  get phase(): TurnPhase {
    return this.#told ?? (this.#tools > 0 ? 'tool' : this.#basic)
  }

  /** The turn got on. `now` is the time by the clock that `untilMs` is of. */
  take(event: TurnEvent, now: number): void {
    this.#quietMs = 0
    if (event.type === 'activity') return
    this.#told = undefined
    if (event.type === 'started') this.#basic = 'model'
    else if (event.type === 'tool')
      this.#tools = Math.max(0, this.#tools + (event.phase === 'started' ? 1 : -1))
    else if (event.type === 'phase' && event.phase !== 'model') {
      this.#told = event.phase
      this.#waitMs = Math.min(Math.max(0, (event.untilMs ?? now) - now), MAX_WAIT_MS)
    }
  }

  /** Resolves when a phase has gone on for too long without an event; never once `over` has aborted. */
  async hung(clock: Clock, over: AbortSignal): Promise<Hung> {
    while (!over.aborted) {
      const limitMs = this.#limitMs()
      if (this.#quietMs >= limitMs) return { phase: this.phase, limitMs }
      const ms = Math.min(LOOK_MS, limitMs - this.#quietMs)
      // Counted, not read off a clock: a machine that slept has hung no turn.
      this.#quietMs += ms
      const before = this.#quietMs
      await rest(clock, ms, over)
      if (this.#quietMs < before) this.#quietMs = 0
    }
    return new Promise(() => undefined)
  }

  /** A wait that was announced is no hang; after it the model has its own time. */
  #limitMs(): number {
    const { phase } = this
    return phase === 'waiting' ? this.#waitMs + this.#limits.model : this.#limits[phase]
  }
}
