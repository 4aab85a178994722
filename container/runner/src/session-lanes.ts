/** One waiting or running message. `seq` names it; those of one session are worked on in the order they came. */
export interface Job {
  readonly seq: number
  readonly session: string
}

/** Why running work was stopped; the reason of its abort signal. */
export type StopReason = 'cancelled' | 'superseded' | 'timeout' | 'shutdown'

/** What runs for a session. */
export interface Work<J extends Job> {
  /** Resolves when it is over and the session free again. Never rejects. */
  readonly done: Promise<void>
  /** Offers the session's oldest waiting job to what runs. False: it goes on waiting, and is offered again. */
  take(job: J): boolean
  holds(seq: number): boolean
  /** Makes it end soon. `seq` names the job that was cancelled, for `cancelled`. */
  stop(reason: StopReason, seq?: number): void
}

export interface LaneOptions<J extends Job> {
  /** Sessions at work at once. */
  readonly concurrency: number
  /** How many of a session's waiting jobs, oldest first, are begun as one. */
  readonly together: (waiting: readonly J[]) => number
  readonly begin: (jobs: readonly J[]) => Work<J>
}

/**
 * Runs jobs: one piece of work at a time and first come first served within a session, several sessions at once up to
 * `concurrency`, the session that has waited longest first.
 */
export class SessionLanes<J extends Job> {
  readonly #options: LaneOptions<J>
  readonly #waiting = new Map<string, J[]>()
  readonly #running = new Map<string, Work<J>>()
  #stopped = false

  constructor(options: LaneOptions<J>) {
    this.#options = options
  }

  /** Queues a job; nothing starts before `pump`. */
  enqueue(job: J): void {
    const lane = this.#waiting.get(job.session)
    if (lane) lane.push(job)
    else this.#waiting.set(job.session, [job])
  }

  /** Puts a job that was taken back to where it was: before all others of its session. */
  putBack(job: J): void {
    this.#waiting.set(job.session, [job, ...(this.#waiting.get(job.session) ?? [])])
  }

  /** Starts what may run now, and offers what waits to what runs. Idempotent. */
  pump(): void {
    for (const [session, lane] of [...this.#waiting]) {
      if (this.#stopped) return
      const running = this.#running.get(session)
      if (running) this.#feed(lane, running)
      else if (this.#running.size < this.#options.concurrency) this.#begin(session, lane)
      if (lane.length === 0) this.#waiting.delete(session)
    }
  }

  /** Stops the work that holds this job, or takes a waiting one out. */
  cancel(seq: number): 'running' | 'waiting' | 'unknown' {
    for (const work of this.#running.values()) {
      if (!work.holds(seq)) continue
      work.stop('cancelled', seq)
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

  /** Starts nothing more, stops what runs and waits for it. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const work of this.#running.values()) work.stop('shutdown')
    await Promise.all([...this.#running.values()].map((work) => work.done))
  }

  /** The oldest alone, so that none overtakes another. */
  #feed(lane: J[], running: Work<J>): void {
    for (let job = lane[0]; job && running.take(job); job = lane[0]) lane.shift()
  }

  #begin(session: string, lane: J[]): void {
    const jobs = lane.splice(0, Math.max(1, this.#options.together(lane)))
    // Taken out and put back at the end: sessions take turns.
    this.#waiting.delete(session)
    if (lane.length > 0) this.#waiting.set(session, lane)
    const work = this.#options.begin(jobs)
    this.#running.set(session, work)
    void work.done.then(() => {
      this.#running.delete(session)
      this.pump()
    })
  }
}
