// Copies of host.db, and what a copy needs to become a host.db again.
import { chmodSync, copyFileSync, existsSync } from 'node:fs'
import { INBOX_DDL, OUTBOX_DDL, PROTOCOL_VERSION } from '@creel/protocol'
import Database from 'better-sqlite3'
import { errorText } from '../../domain/errors.ts'

/** Copies the database as it is at one moment, while a host may be writing. `to` must not exist. */
export async function snapshotHostDb(from: string, to: string): Promise<void> {
  const db = new Database(from, { readonly: true, fileMustExist: true, timeout: 5_000 })
  try {
    // The open transaction holds the moment still: without it a busy host makes the copy begin again and again.
    db.exec('BEGIN')
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    await db.backup(to)
  } finally {
    db.close()
  }
}

/**
 * The same where nobody has it open and the disk is too full for the small file by which readers and writers agree: the
 * database and its log are copied and put together at `to`.
 */
export function snapshotAtRest(from: string, to: string): void {
  for (const end of ['', '-wal']) if (existsSync(from + end)) copyFileSync(from + end, to + end)
  const db = new Database(to, { fileMustExist: true })
  try {
    db.pragma('journal_mode = DELETE')
  } finally {
    db.close()
  }
}

/** `ok`, or what SQLite finds wrong with the file: every page, index and reference is looked at. Changes nothing. */
export function checkHostDb(path: string): string {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 })
    try {
      const found = String(db.pragma('integrity_check(1)', { simple: true }))
      if (found !== 'ok') return found
      const dangling = db.pragma('foreign_key_check') as unknown[]
      return dangling.length === 0 ? 'ok' : `${dangling.length} rows refer to nothing`
    } finally {
      db.close()
    }
  } catch (error) {
    return errorText(error)
  }
}

/** Where the mailbox of one group goes on: behind everything that the tables know. */
export interface MailPosition {
  readonly group: string
  readonly inboxSeq: number
  readonly outboxSeq: number
}

/**
 * Makes a copied host.db independent of the mail of its time: what was not settled goes to its agent again, from the
 * start, through new mailboxes. A send that was under way is one that may have arrived.
 */
export function detachMail(path: string): readonly MailPosition[] {
  const db = new Database(path, { fileMustExist: true })
  try {
    return db.transaction(() => {
      const positions = db
        .prepare<[], { group_name: string; inbox: number | null; outbox: number | null }>(
          `SELECT group_name, max(inbox) AS inbox, max(outbox) AS outbox FROM (
             SELECT group_name, max(inbox_seq) AS inbox, NULL AS outbox FROM dispatch GROUP BY group_name
             UNION ALL SELECT group_name, NULL, seq FROM outbox_cursor) GROUP BY group_name`,
        )
        .all()
      db.exec('UPDATE dispatch SET inbox_seq = NULL, accepted_at = NULL WHERE outcome IS NULL')
      return positions.map(({ group_name, inbox, outbox }) => ({
        group: group_name,
        inboxSeq: inbox ?? 0,
        outboxSeq: outbox ?? 0,
      }))
    })()
  } finally {
    db.pragma('journal_mode = DELETE')
    db.close()
  }
}

/** Makes the two empty logs of a group whose positions go on behind those given. The folders must exist. */
export function makeMailAfter(files: { inbox: string; outbox: string }, position: MailPosition): void {
  // Entries that both sides know already: a position is never used twice.
  const inboxSeq = Math.max(1, position.inboxSeq)
  const outboxSeq = Math.max(1, position.outboxSeq)
  const acked = JSON.stringify({ type: 'acked', outboxSeq })
  const settled = JSON.stringify({ type: 'settled', inboxSeq, outcome: 'done' })
  makeLog(files.inbox, INBOX_DDL, (db) =>
    db.prepare('INSERT INTO entry VALUES (?, 0, ?, ?, ?)').run(inboxSeq, 'restored', 'acked', acked),
  )
  chmodSync(files.inbox, 0o644)
  if (position.outboxSeq === 0) return
  makeLog(files.outbox, OUTBOX_DDL, (db) =>
    db.prepare('INSERT INTO entry VALUES (?, 0, ?, ?, ?)').run(outboxSeq, 'settled', inboxSeq, settled),
  )
  chmodSync(files.outbox, 0o666)
}

function makeLog(path: string, ddl: readonly string[], fill: (db: Database.Database) => void): void {
  const db = new Database(path)
  try {
    db.transaction(() => {
      for (const statement of ddl) db.exec(statement)
      db.pragma(`user_version = ${PROTOCOL_VERSION}`)
      fill(db)
    })()
  } finally {
    db.close()
  }
}
