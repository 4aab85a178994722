/** One waiting or running piece of work. `seq` names it; jobs of one session run in the order they came. */
export interface Job {
  readonly seq: number
  readonly session: string
}

/** Why a running job was stopped; the reason of its abort signal. */
export type StopReason = 'cancelled' | 'timeout' | 'shutdown'

interface Running {
  readonly session: string
  readonly abort: AbortController
  readonly done: Promise<void>
}

/**
 * Runs jobs: one at a time and first come first served within a session, several sessions at once up to
 * `concurrency`, the session that has waited longest first. `run` must not reject; when its signal aborts it
 * resolves soon.
 */
export class SessionLanes<J extends Job> {
  readonly #concurrency: number
  readonly #run: (job: J, abort: AbortController) => Promise<void>
  readonly #waiting = new Map<string, J[]>()
  readonly #running = new Map<number, Running>()
  #stopped = false

  constructor(options: { concurrency: number; run: (job: J, abort: AbortController) => Promise<void> }) {
    this.#concurrency = options.concurrency
    this.#run = options.run
  }

  /** Queues a job; nothing starts before `pump`. */
  enqueue(job: J): void {
    const lane = this.#waiting.get(job.session)
    if (lane) lane.push(job)
    else this.#waiting.set(job.session, [job])
  }

  /** Starts what may run now. Idempotent. */
  pump(): void {
    for (const [session, lane] of this.#waiting) {
      if (this.#stopped || this.#running.size >= this.#concurrency) return
      if (this.#busy(session)) continue
      const job = lane.shift()
      // Taken out and put back at the end: sessions take turns.
      this.#waiting.delete(session)
      if (lane.length > 0) this.#waiting.set(session, lane)
      if (job) this.#start(job)
    }
  }

  /** Aborts a running job, or takes a waiting one out. */
  cancel(seq: number): 'running' | 'waiting' | 'unknown' {
    const running = this.#running.get(seq)
    if (running) {
      running.abort.abort('cancelled' satisfies StopReason)
      return 'running'
    }
    for (const [session, lane] of this.#waiting) {
      const at = lane.findIndex((job) => job.seq === seq)
      if (at < 0) continue
      lane.splice(at, 1)
      if (lane.length === 0) this.#waiting.delete(session)
      return 'waiting'
    }
    return 'unknown'
  }

  /** Starts nothing more, aborts what runs and waits for it. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const running of this.#running.values()) running.abort.abort('shutdown' satisfies StopReason)
    await Promise.all([...this.#running.values()].map((running) => running.done))
  }

  #busy(session: string): boolean {
    for (const running of this.#running.values()) if (running.session === session) return true
    return false
  }

  #start(job: J): void {
    const abort = new AbortController()
    const done = this.#run(job, abort).finally(() => {
      this.#running.delete(job.seq)
      this.pump()
    })
    this.#running.set(job.seq, { session: job.session, abort, done })
  }
}
