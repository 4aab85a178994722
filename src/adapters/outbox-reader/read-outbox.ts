import Database from 'better-sqlite3'
import type { OutboxBatch } from '../../domain/ports/mailbox.ts'
import { giveBackJournal } from '../../journal-owner.ts'
import { hasSyncedJournal, refuseOutboxFile } from './inspect-file.ts'
import { parseBody } from './parse-body.ts'
import { NotAnOutboxError, readRows } from './read-rows.ts'

/**
 * One read of one hostile file. Never throws for what a sandbox can do, but may hang or be killed: runs only in
 * the reader's child process. Reasons name no path and repeat no text from the file.
 */
export function readOutbox(path: string, after: number, limit: number): OutboxBatch {
  const refused = refuseOutboxFile(path, process.getuid?.())
  if (refused) return { kind: 'rejected', reason: refused }
  // Between that look and SQLite's own a commit can begin: then SQLite opens its journal.
  giveBackJournal(path)
  if (hasSyncedJournal(path)) return { kind: 'unfinished' }
  try {
    const { rows, more } = readRows(path, after, limit)
    // Parsed after the file is closed: the writer must not wait for it.
    const items = rows.map((row) =>
      'body' in row ? parseBody(row.seq, row.body) : { seq: row.seq, rejected: row.refused },
    )
    return { kind: 'entries', items, more }
  } catch (error) {
    return fromError(error)
  } finally {
    giveBackJournal(path)
  }
}

function fromError(error: unknown): OutboxBatch {
  if (error instanceof NotAnOutboxError) return { kind: 'rejected', reason: error.message }
  if (!(error instanceof Database.SqliteError)) throw error
  if (/^SQLITE_(BUSY|LOCKED)/.test(error.code)) return { kind: 'busy' }
  // A journal with a whole transaction in it and nobody holding its lock: its writer died inside the commit.
  if (error.code === 'SQLITE_READONLY_ROLLBACK') return { kind: 'unfinished' }
  return { kind: 'rejected', reason: `not readable as an outbox (${error.code})` }
}
