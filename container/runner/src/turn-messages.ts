import type { OutboxEntry } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import { type EventLog, errorText } from './log.ts'
import type { OutboxCommits } from './outbox-commits.ts'
import { promptOf } from './prompt.ts'
import type { Turn } from './provider.ts'
import { MAX_TOGETHER, maySteer, type Queued } from './queue-mode.ts'
import type { Job } from './session-lanes.ts'

/** One message on its way to a settlement. */
export interface MessageJob extends Job, Queued {}

/** The lane that a message came from and goes back to. */
export interface LaneDoor {
  putBack(job: MessageJob): void
  pump(): void
}

export interface TurnMessagesParts {
  readonly commits: OutboxCommits
  readonly lane: LaneDoor
  /** `in/files`. */
  readonly filesIn: string
  readonly clock: Clock
  readonly log: EventLog
  readonly stopping: AbortSignal
}

/** How long the end of a turn waits for the runtime to say whether it took a message. */
const ANSWER_MS = 1_000

/**
 * The messages that one turn answers: those that began it, and those that went into it since. A message that goes in
 * is accepted on disk before the runtime hears of it, so that one that kills the runner has counted itself.
 */
export class TurnMessages {
  readonly #parts: TurnMessagesParts
  /** The answers go to where it came from. */
  readonly first: MessageJob
  readonly #jobs: MessageJob[]
  readonly #cancelled = new Set<number>()
  readonly #dropped: MessageJob[] = []
  readonly #over = Promise.withResolvers<'over'>()
  #turn: Turn | undefined
  #refused = false
  #joined: (job: MessageJob) => void = () => undefined
  #onItsWay: { readonly job: MessageJob; readonly arrived: Promise<void> } | undefined

  constructor(first: MessageJob, more: readonly MessageJob[], parts: TurnMessagesParts) {
    this.first = first
    this.#jobs = [first, ...more]
    this.#parts = parts
  }

  /** In the order in which the agent gets them. */
  get jobs(): readonly MessageJob[] {
    return this.#jobs
  }

  /** Accepted, but cancelled before the runtime had them. */
  get dropped(): readonly MessageJob[] {
    return this.#dropped
  }

  holds(seq: number): boolean {
    return this.#onItsWay?.job.seq === seq || this.#jobs.some((job) => job.seq === seq)
  }

  /** Should this message not have arrived yet, it does not wait for another turn. */
  cancelled(seq: number): void {
    this.#cancelled.add(seq)
  }

  /** `joined` hears of each message besides the first: those that are part of the turn by now, and those to come. */
  onJoin(joined: (job: MessageJob) => void): void {
    this.#jobs.slice(1).forEach(joined)
    this.#joined = joined
  }

  /** The runtime is at work on `turn`, or has stopped to be: messages may go in, or not. */
  at(turn: Turn | undefined): void {
    if (this.#turn === turn) return
    this.#turn = turn
    if (turn) this.#parts.lane.pump()
  }

  /** Sends a waiting message into the running turn; false when it cannot go in now. */
  take(job: MessageJob): boolean {
    const turn = this.#turn
    if (!turn || this.#refused || this.#onItsWay || this.#jobs.length >= MAX_TOGETHER) return false
    if (!maySteer(this.first.message, job)) return false
    this.#onItsWay = { job, arrived: this.#send(turn, job) }
    return true
  }

  /** Nothing goes in any more. Resolves when it is known of every message whether it is part of the turn. */
  async close(): Promise<void> {
    this.#turn = undefined
    this.#over.resolve('over')
    await this.#onItsWay?.arrived
  }

  /** Never rejects. */
  async #send(turn: Turn, job: MessageJob): Promise<void> {
    const { commits, clock, stopping, log, lane } = this.#parts
    const { seq } = job
    const accepted: OutboxEntry = { type: 'accepted', inboxSeq: seq, attempt: 1, at: clock.now() }
    const counted = await commits.commit([accepted], stopping)
    const taken = counted ? await this.#steer(turn, job) : 'too-late'
    log('turn_steered', { seq, into: this.first.seq, taken })
    if (taken === 'accepted') {
      this.#jobs.push(job)
      this.#joined(job)
    } else if (this.#cancelled.has(seq)) this.#dropped.push(job)
    else {
      this.#refused = true
      // Before it waits again: the try that was none does not count.
      if (counted) await commits.commit([{ type: 'returned', inboxSeq: seq }], stopping)
      lane.putBack(job)
    }
    this.#onItsWay = undefined
    lane.pump()
  }

  async #steer(turn: Turn, job: MessageJob): Promise<'accepted' | 'too-late' | 'unsupported'> {
    const timer = new AbortController()
    const late = this.#over.promise
      .then(() => rest(this.#parts.clock, ANSWER_MS, timer.signal))
      .then(() => 'too-late' as const)
    try {
      return await Promise.race([turn.steer(promptOf(job.message, this.#parts.filesIn)), late])
    } catch (error) {
      this.#parts.log('steer_failed', { seq: job.seq, error: errorText(error) })
      return 'too-late'
    } finally {
      timer.abort()
    }
  }
}
