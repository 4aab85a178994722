import type { InboxRow } from '@creel/protocol'
import type { HostCalls } from './host-calls.ts'
import type { InboxFeed } from './inbox-feed.ts'
import { type EventLog, errorText } from './log.ts'
import type { Outbox, OutboxCommits } from './outbox-commits.ts'
import type { OutgoingFiles } from './outgoing-files.ts'
import type { SessionLanes } from './session-lanes.ts'
import type { MessageJob } from './turn-messages.ts'

export interface IntakeParts {
  readonly outbox: Outbox
  readonly inbox: InboxFeed
  readonly commits: OutboxCommits
  readonly files: Pick<OutgoingFiles, 'sweep'>
  readonly lanes: SessionLanes<MessageJob>
  readonly calls: Pick<HostCalls, 'answered'>
  readonly log: EventLog
  readonly stopping: AbortSignal
}

/** Carries new inbox entries into the lanes. */
export class Intake {
  readonly #parts: IntakeParts
  /** Settled before this runner began; later ones are never read again. */
  readonly #settled: ReadonlySet<number>

  constructor(parts: IntakeParts) {
    this.#parts = parts
    this.#settled = parts.outbox.settled()
  }

  /**
   * Takes everything that is new. All of it is looked at before a turn begins, so that a message and its `cancel`
   * that waited together cancel out.
   */
  take(): void {
    const { inbox, lanes } = this.#parts
    const rows = inbox.pull()
    let acked = 0
    for (const row of rows) acked = Math.max(acked, this.#apply(row))
    lanes.pump()
    if (acked > 0) this.#prune(acked)
  }

  /** Returns the outbox position that the entry acknowledges, or 0. */
  #apply({ seq, entry }: InboxRow): number {
    switch (entry.type) {
      case 'message':
        if (!this.#settled.has(seq)) {
          const suspect = this.#hasDied(seq)
          this.#parts.lanes.enqueue({ seq, session: entry.session, message: entry, suspect })
        }
        return 0
      case 'cancel':
        this.#cancel(entry.inboxSeq)
        return 0
      case 'acked':
        return entry.outboxSeq
      case 'result':
        this.#parts.calls.answered(entry)
        return 0
      case 'delivered':
        return 0
    }
  }

  /** An outbox that cannot be read is found out by the turn. */
  #hasDied(seq: number): boolean {
    try {
      return this.#parts.outbox.attempts(seq) > 0
    } catch (error) {
      this.#parts.log('attempts_not_read', { seq, error: errorText(error) })
      return false
    }
  }

  #cancel(inboxSeq: number): void {
    const { lanes, commits, log, stopping } = this.#parts
    const was = lanes.cancel(inboxSeq)
    log('turn_cancelled', { seq: inboxSeq, was })
    if (was === 'waiting') {
      void commits.commit([{ type: 'settled', inboxSeq, outcome: 'cancelled' }], stopping)
    }
  }

  /** Best effort: the next acknowledgement prunes what this one could not. */
  #prune(acked: number): void {
    const { inbox, outbox, files, log } = this.#parts
    const oldest = inbox.oldest()
    if (oldest === null) return
    try {
      outbox.prune(acked, oldest)
      void files.sweep(() => outbox.namedFiles())
    } catch (error) {
      log('prune_failed', { error: errorText(error) })
    }
  }
}
