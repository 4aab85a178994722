import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { OutboxBatch, OutboxReader } from '../../domain/ports/mailbox.ts'
import type { Paths } from '../../paths.ts'
import { type LaneAnswer, ReaderLane } from './reader-lane.ts'

const DEADLINE_MS = 1_000
const MAX_LIMIT = 1_000
/** A read that takes longer than this share of the deadline is not one of an ordinary outbox. */
const SLOW_SHARE = 0.25

/**
 * Reads in resident child processes, in two lanes. Every group begins in the first, where the deadline is half as long. One
 * that was rejected reads through the second until a clean read; one that hung or was slow stays there as long as
 * this process lives, so that it costs the others one deadline, once, however it behaves afterwards.
 */
export class ForkedOutboxReader implements OutboxReader {
  readonly #paths: Paths
  readonly #trusted: ReaderLane
  readonly #suspect: ReaderLane
  readonly #slowMs: number
  readonly #slow = new Set<GroupName>()
  readonly #rejected = new Set<GroupName>()

  /** `deadlineMs` bounds one read of a suspect group. */
  constructor(options: { paths: Paths; deadlineMs?: number }) {
    const deadlineMs = options.deadlineMs ?? DEADLINE_MS
    this.#paths = options.paths
    this.#trusted = new ReaderLane({ deadlineMs: deadlineMs / 2, spare: true })
    this.#suspect = new ReaderLane({ deadlineMs, spare: false })
    this.#slowMs = deadlineMs * SLOW_SHARE
  }

  /** Throws CreelError `unavailable` when no reader process can be started, and after `close`. */
  async read(group: GroupName, after: number, limit: number): Promise<OutboxBatch> {
    if (!this.#slow.has(group) && !this.#rejected.has(group)) {
      const first = await this.#through(this.#trusted, group, after, limit)
      if (first.kind === 'batch') return first.batch
      // Asked once more elsewhere: on a machine that stalls, an innocent group must not be set aside.
    }
    const answer = await this.#through(this.#suspect, group, after, limit)
    return answer.kind === 'batch' ? answer.batch : { kind: 'rejected', reason: answer.why }
  }

  async close(): Promise<void> {
    await Promise.all([this.#trusted.close(), this.#suspect.close()])
  }

  async #through(lane: ReaderLane, group: GroupName, after: number, limit: number) {
    const rows = Math.min(Math.max(1, Math.trunc(limit)), MAX_LIMIT)
    const answer = await lane.read(this.#paths.outbox(group), after, rows)
    if (answer.kind === 'unavailable')
      throw new CreelError('unavailable', `outbox of ${group} not read: ${answer.why}`, {
        hint: 'check free memory and the process limit of this machine',
      })
    this.#judge(group, answer)
    return answer
  }

  #judge(group: GroupName, answer: Exclude<LaneAnswer, { kind: 'unavailable' }>): void {
    if (answer.kind === 'lost' || answer.tookMs > this.#slowMs) this.#slow.add(group)
    else if (answer.batch.kind === 'rejected') this.#rejected.add(group)
    else if (answer.batch.kind === 'entries') this.#rejected.delete(group)
  }
}
