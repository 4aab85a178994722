import { type BackoffRange, backoffMs } from './backoff.ts'
import type { Clock } from './domain/ports/clock.ts'
import type { Log } from './log.ts'

/** After so many pieces of work in a row a lane lets everything else of the process have a turn. */
const BREATHE_EVERY = 16
/** Longest that one step may keep all others from running. */
const MAX_STEP_MS = 50
/** Longest sleep; the poll looks again long before. Timers of the platform end at once beyond 2^31 ms. */
const MAX_WAIT_MS = 3_600_000
/** One for all: an error of its own for each nudge costs more than the nudge. */
const WOKEN = 'woken'

/** What a step says: nothing left, more at once, or look again after a while. */
export type StepResult = 'idle' | 'again' | { readonly waitMs: number }

export interface PumpOptions<Key> {
  readonly name: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  /** Fallback: every `pollMs` all `keys()` are looked at, nudged or not. Correctness rests on this alone. */
  readonly pollMs: number
  readonly keys: () => Iterable<Key>
  /** Does one piece of work for one key. Never runs twice at once for a key. Throwing backs off that key alone. */
  readonly step: (key: Key, signal: AbortSignal) => Promise<StepResult> | StepResult
  readonly maxConcurrent: number
  readonly backoff: BackoffRange
  /** Where the steps are done, when they are done with others': see SharedCommits. They must be synchronous then. */
  readonly within?: <T>(work: () => T, again: (result: T) => boolean) => Promise<T>
}

interface Lane {
  running: boolean
  again: boolean
  queued: boolean
  failures: number
  /** While set, the lane sleeps and a nudge cannot wake it. */
  backingOff: boolean
  waiting: AbortController | null
  /** When the wait ends. */
  wakeAt: number
}

/**
 * The only loop of the host: one lane per key, lanes run side by side, each lane by itself. A key that fails
 * waits alone (I7). `nudge` carries no data and only shortens a wait.
 */
export class Pump<Key extends string | number> {
  readonly #options: PumpOptions<Key>
  readonly #lanes = new Map<Key, Lane>()
  readonly #ready: Key[] = []
  readonly #active = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #killed = new AbortController()
  #loop: Promise<void> | null = null

  constructor(options: PumpOptions<Key>) {
    this.#options = options
  }

  /** Begins to work; nudges before this are kept. Idempotent. */
  start(): void {
    if (this.#loop) return
    this.#loop = this.#poll()
    this.#fill()
  }

  /** Look at this key now, or once more if it is being looked at. Ignored after a failure until its wait is over. */
  nudge(key: Key): void {
    const lane = this.#lane(key)
    if (lane.backingOff) return
    if (lane.running) {
      lane.again = true
      return
    }
    lane.waiting?.abort(WOKEN)
    this.#enqueue(key, lane)
  }

  nudgeAll(): void {
    for (const key of this.#options.keys()) this.nudge(key)
  }

  /** Looks again at every key that waits after a failure: what they failed for is over. */
  retryFailed(): void {
    for (const [key, lane] of this.#lanes) {
      if (!lane.backingOff || lane.running) continue
      lane.backingOff = false
      lane.waiting?.abort(WOKEN)
      this.#enqueue(key, lane)
    }
  }

  /**
   * Takes nothing new, waits up to `graceMs` for the steps that run, then aborts them and waits for that. After it
   * no step runs. Idempotent.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort(new Error(`${this.#options.name} is stopping`))
    for (const lane of this.#lanes.values()) lane.waiting?.abort(this.#stopping.signal.reason)
    const done = Promise.allSettled([...this.#active, this.#loop])
    const timer = new AbortController()
    const grace = this.#options.clock.sleep(graceMs, timer.signal).catch(ignoreAbort)
    await Promise.race([done, grace])
    this.#killed.abort(new Error(`${this.#options.name} was stopped`))
    timer.abort()
    await Promise.allSettled([...this.#active, this.#loop])
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        this.#lookAtAll()
      } catch (error) {
        this.#options.log.error({ pump: this.#options.name, err: error }, 'pump cannot list its work')
      }
      await this.#options.clock.sleep(this.#options.pollMs, signal).catch(ignoreAbort)
    }
  }

  /** Like nudgeAll, but a lane that wakes by itself before the next look is left to sleep. */
  #lookAtAll(): void {
    const { clock, keys, pollMs } = this.#options
    const soon = clock.now() + pollMs
    for (const key of keys()) {
      const lane = this.#lanes.get(key)
      if (!lane?.waiting || lane.wakeAt > soon) this.nudge(key)
    }
  }

  #lane(key: Key): Lane {
    let lane = this.#lanes.get(key)
    if (!lane) {
      lane = {
        running: false,
        again: false,
        queued: false,
        failures: 0,
        backingOff: false,
        waiting: null,
        wakeAt: 0,
      }
      this.#lanes.set(key, lane)
    }
    return lane
  }

  #enqueue(key: Key, lane: Lane): void {
    if (lane.queued || this.#stopping.signal.aborted) return
    lane.queued = true
    this.#ready.push(key)
    this.#fill()
  }

  #fill(): void {
    while (this.#loop && this.#active.size < this.#options.maxConcurrent) {
      const key = this.#ready.shift()
      if (key === undefined) return
      const lane = this.#lane(key)
      lane.queued = false
      if (this.#stopping.signal.aborted) continue
      lane.running = true
      const run = this.#runLane(key, lane)
      this.#active.add(run)
      void run.finally(() => {
        this.#active.delete(run)
        this.#fill()
      })
    }
  }

  async #runLane(key: Key, lane: Lane): Promise<void> {
    const { signal } = this.#stopping
    // Leaves the caller's stack: a nudge must never run work inside somebody's transaction.
    await Promise.resolve()
    let result: StepResult
    for (let round = 1; ; round += 1) {
      lane.again = false
      result = await this.#runStep(key, lane)
      if ((result !== 'again' && !lane.again) || lane.backingOff || signal.aborted) break
      // A step may be synchronous: a long backlog of one key must not keep sockets and timers waiting (I7).
      if (round % BREATHE_EVERY === 0) await this.#options.clock.sleep(0, signal).catch(ignoreAbort)
      if (signal.aborted) break
    }
    lane.running = false
    if (typeof result === 'object') this.#wakeLater(key, lane, result.waitMs)
    else if (lane.failures === 0) this.#lanes.delete(key)
  }

  async #runStep(key: Key, lane: Lane): Promise<StepResult> {
    try {
      const { within } = this.#options
      const step = () => this.#timedStep(key)
      const result = await (within ? within(step, (said) => said === 'again') : step())
      lane.failures = 0
      return result
    } catch (error) {
      lane.failures += 1
      lane.backingOff = true
      const waitMs = backoffMs(lane.failures, this.#options.backoff, this.#options.random)
      this.#options.log.warn(
        { pump: this.#options.name, key, failures: lane.failures, waitMs, err: error },
        'step failed',
      )
      return { waitMs }
    }
  }

  #timedStep(key: Key): Promise<StepResult> | StepResult {
    const { clock, step, log, name } = this.#options
    const begun = clock.now()
    const working = step(key, this.#killed.signal)
    // Until here everything else of the process waited: whose work it was must be known (I7).
    const tookMs = clock.now() - begun
    if (tookMs > MAX_STEP_MS) log.warn({ pump: name, key, tookMs }, 'step held up the event loop')
    return working
  }

  #wakeLater(key: Key, lane: Lane, waitMs: number): void {
    const waiting = new AbortController()
    lane.waiting = waiting
    const wake = () => {
      if (lane.waiting === waiting) lane.waiting = null
      if (waiting.signal.aborted || this.#stopping.signal.aborted) return
      lane.backingOff = false
      this.#enqueue(key, lane)
    }
    const ms = Math.min(Math.max(waitMs, 0), MAX_WAIT_MS)
    lane.wakeAt = this.#options.clock.now() + ms
    void this.#options.clock.sleep(ms, waiting.signal).then(wake, ignoreAbort)
  }
}

/** A sleep that was cut short is the normal way to end it. */
function ignoreAbort(): void {
  return
}
