import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'

/**
 * How often the event loop is measured. Each time wakes the process: at 20 ms that was a quarter of what a host without
 * work costs. What holds the loop up is counted from the next measurement on, so as up to this much less than it was.
 */
const RESOLUTION_MS = 40
const LOOK_MS = 1_000
/** What a look sums up. */
const WINDOW_LOOKS = 10
/** Nothing may hold up the loop longer. */
const LIMIT_MS = 50
/** A loop that stood still for so many seconds does not come back by itself; a check of a large database ends before. */
const STUCK_LOOKS = 90

export interface LoopDelay {
  /** Of the last ten seconds. */
  readonly p99Ms: number
  /** Since the start. */
  readonly maxMs: number
  /** Windows of ten seconds in which it was held up for more than 50 ms. */
  readonly heldUp: number
}

/** What the thread is given: a counter that the loop raises, and a word that ends the thread. */
export interface WatchdogSetup {
  readonly beats: SharedArrayBuffer
  readonly lookMs: number
  readonly looks: number
  readonly logFile: string
}

export interface LoopWatchOptions {
  /** Gets the last line of a host whose loop stands still. */
  readonly logFile: string
  /** Something held up the loop for longer than it may. At most once in ten seconds. */
  readonly onHeldUp: (longestMs: number) => void
  readonly lookMs?: number
  readonly stuckLooks?: number
}

/**
 * Measures how long the event loop is held up, and ends the process when it stands still for good: SIGKILL, which loses
 * nothing (ARCHITECTURE.md, "How it is proved that nothing is lost").
 */
export class LoopWatch {
  readonly #options: LoopWatchOptions
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  readonly #counter: Int32Array
  readonly #thread: Worker
  readonly #timer: NodeJS.Timeout
  #looks = 0
  #p99Ms = 0
  #maxMs = 0
  #heldUp = 0
  /** The longest of this window that the histogram does not know any more. */
  #kept = 0

  /** Watches from now on. */
  constructor(options: LoopWatchOptions) {
    this.#options = options
    const { logFile, lookMs = LOOK_MS, stuckLooks = STUCK_LOOKS } = options
    const beats = new SharedArrayBuffer(8)
    this.#counter = new Int32Array(beats)
    const setup: WatchdogSetup = { beats, lookMs, looks: stuckLooks, logFile }
    this.#thread = new Worker(join(import.meta.dirname, 'watchdog-main.ts'), {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 1 },
    })
    this.#thread.unref()
    this.#histogram.enable()
    this.#timer = setInterval(() => this.#look(), lookMs)
    this.#timer.unref()
  }

  delay(): LoopDelay {
    return {
      p99Ms: Math.max(this.#p99Ms, this.#ms(this.#histogram.percentile(99))),
      maxMs: Math.max(this.#maxMs, this.#kept, this.#ms(this.#histogram.max)),
      heldUp: this.#heldUp,
    }
  }

  /** Does what holds up the loop on purpose, and is not to be told of. */
  except(work: () => void): void {
    this.#kept = Math.max(this.#kept, this.#ms(this.#histogram.max))
    work()
    this.#histogram.reset()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#histogram.disable()
    const gone = new Promise((resolve) => this.#thread.once('exit', resolve))
    if (this.#thread.threadId === -1) return
    this.#thread.ref()
    Atomics.store(this.#counter, 1, 1)
    Atomics.notify(this.#counter, 1)
    await gone
  }

  #look(): void {
    Atomics.add(this.#counter, 0, 1)
    this.#looks += 1
    if (this.#looks % WINDOW_LOOKS !== 0) return
    const longest = Math.max(this.#kept, this.#ms(this.#histogram.max))
    this.#kept = 0
    this.#p99Ms = this.#ms(this.#histogram.percentile(99))
    this.#maxMs = Math.max(this.#maxMs, longest)
    this.#histogram.reset()
    if (longest <= LIMIT_MS) return
    this.#heldUp += 1
    this.#options.onHeldUp(longest)
  }

  /** What is counted holds the wait between two measurements as well. */
  #ms(nanoseconds: number): number {
    return Math.max(0, Math.round(nanoseconds / 1_000_000) - RESOLUTION_MS)
  }
}
