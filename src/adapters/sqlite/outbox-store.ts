import { open } from 'node:fs/promises'
import type Database from 'better-sqlite3'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { OutboxProgressRecord, OutboxStore } from '../../domain/ports/stores.ts'
import { prepareAnswer } from './agent-answer.ts'
import { prepareApprovalInsert } from './approval-insert.ts'
import { prepareDeliveryInsert } from './delivery-insert.ts'
import { prepareHostCallInsert } from './host-call-insert.ts'
import { relaxedSync } from './relaxed-sync.ts'
import { prepareUsageInsert } from './usage-insert.ts'

export class SqliteOutboxStore implements OutboxStore {
  readonly #record: (group: GroupName, batch: OutboxProgressRecord, at: UnixMs) => void
  readonly #cursor: Database.Statement<[string], { seq: number }>
  readonly #file: string

  constructor(db: Database.Database) {
    this.#cursor = db.prepare('SELECT seq FROM outbox_cursor WHERE group_name = ?')
    this.#file = db.name
    const accept = db.prepare(
      `UPDATE dispatch SET attempts = max(attempts, ?), accepted_at = ?
       WHERE group_name = ? AND inbox_seq = ? AND outcome IS NULL`,
    )
    // It waits again, and is not a turn that has been running since.
    const handBack = db.prepare(
      'UPDATE dispatch SET accepted_at = NULL WHERE group_name = ? AND inbox_seq = ? AND outcome IS NULL',
    )
    const settle = db.prepare(
      `UPDATE dispatch SET outcome = ?, outcome_reason = ?, settled_at = ?
       WHERE group_name = ? AND inbox_seq = ? AND outcome IS NULL`,
    )
    const advance = db.prepare(
      `INSERT INTO outbox_cursor (group_name, seq, rejected) VALUES (?, ?, ?)
       ON CONFLICT (group_name) DO UPDATE SET seq = excluded.seq, rejected = rejected + excluded.rejected`,
    )
    const addDelivery = prepareDeliveryInsert(db)
    const addUsage = prepareUsageInsert(db)
    const addAsk = prepareApprovalInsert(db)
    const addCall = prepareHostCallInsert(db)
    const addAnswer = prepareAnswer(db)
    const write = db.transaction((group: GroupName, batch: OutboxProgressRecord, at: UnixMs) => {
      for (const { inboxSeq, attempt } of batch.accepted) {
        if (attempt === null) handBack.run(group, inboxSeq)
        else accept.run(attempt, at, group, inboxSeq)
      }
      for (const delivery of batch.deliveries) addDelivery(delivery, at)
      for (const usage of batch.usage ?? []) addUsage(group, usage, at)
      for (const ask of batch.asks ?? []) addAsk(ask)
      for (const call of batch.calls ?? []) addCall(call)
      for (const answer of batch.answers ?? []) addAnswer(group, answer)
      for (const s of batch.settled) settle.run(s.outcome, s.reason, at, group, s.inboxSeq)
      advance.run(group, batch.cursor, batch.rejected)
    })
    this.#record = (group, batch, at) => relaxedSync(db, () => write(group, batch, at))
  }

  cursor(group: GroupName): number {
    return this.#cursor.get(group)?.seq ?? 0
  }

  record(group: GroupName, batch: OutboxProgressRecord, at: UnixMs): void {
    this.#record(group, batch, at)
  }

  async sync(): Promise<void> {
    // Commits are appended to this file, whoever asks for it to be written. A commit that waits for the disk would do the
    // same, and hold up the event loop while a sandbox keeps the disk busy.
    const log = await open(`${this.#file}-wal`, 'r').catch(ignoreMissing)
    if (log === null) return
    try {
      await log.sync()
    } finally {
      await log.close()
    }
  }
}

/** A database that nothing was written to yet has none. */
function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error
  return null
}
