import { setImmediate as nextTurn } from 'node:timers/promises'
import type { UnixMs } from '../../src/domain/ids.ts'
import type { Clock } from '../../src/domain/ports/clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** Timers of the platform end at once when asked for more. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** Turns of the event loop in which work without timers comes to rest. */
const SETTLE_TURNS = 6

/**
 * A clock that stands still until a test moves it. Strict: a sleep that a real timer could not do throws. A sleep of
 * 0 ms ends with the next turn of the event loop.
 */
export class FakeClock implements Clock {
  readonly #sleepers = new Set<Sleeper>()
  #now: number

  constructor(now = 1_700_000_000_000) {
    this.#now = now
  }

  now(): UnixMs {
    return this.#now as UnixMs
  }

  /** Sets the wall clock, backwards too; nobody wakes. */
  set(now: number): void {
    this.#now = now
  }

  /** How long the sleepers have still to sleep, shortest first. */
  get sleeping(): readonly number[] {
    return [...this.#sleepers].map(({ until }) => until - this.#now).sort((a, b) => a - b)
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!(ms >= 0 && ms <= MAX_TIMER_MS)) throw new Error(`FakeClock: a timer of ${ms} ms`)
    signal.throwIfAborted()
    if (ms === 0) return nextTurn()
    await new Promise<void>((resolve, reject) => {
      const sleeper = { until: this.#now + ms, wake: () => end(resolve) }
      const onAbort = () => end(() => reject(signal.reason))
      const end = (settle: () => void) => {
        this.#sleepers.delete(sleeper)
        signal.removeEventListener('abort', onAbort)
        settle()
      }
      signal.addEventListener('abort', onAbort)
      this.#sleepers.add(sleeper)
    })
  }

  /** Time passes: sleepers wake in order, and what they do comes to rest before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.settled()
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.until - b.until)[0]
      if (!next || next.until > end) break
      this.#now = Math.max(this.#now, next.until)
      next.wake()
      await this.settled()
    }
    this.#now = end
  }

  /** Resolves when everything that needs no time to pass has been done. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await nextTurn()
  }
}
