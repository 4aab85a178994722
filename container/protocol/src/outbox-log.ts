// outbox.db: written by the runner alone. The host makes the empty file and from then on only ever reads it,
// through its own hardened reader, never through this class.
import Database from 'better-sqlite3'
import { OUTBOX_DDL } from './mail-schema.ts'
import { type OutboxEntry, OutboxFile, outboxRef } from './outbox.ts'
import { PROTOCOL_VERSION } from './version.ts'

const BUSY_MS = 2_000

/** Makes an empty outbox. Called by the host once, before the first sandbox of a group exists. */
export function createOutbox(path: string): void {
  const db = new Database(path)
  try {
    db.pragma('journal_mode = DELETE')
    db.transaction(() => {
      for (const statement of OUTBOX_DDL) db.exec(statement)
      db.pragma(`user_version = ${PROTOCOL_VERSION}`)
    })()
  } finally {
    db.close()
  }
}

/** The runner's end. Opening it rolls back a commit that a killed runner left half done. */
export class OutboxWriter implements Disposable {
  readonly #db: Database.Database
  readonly #insert: Database.Statement<[number, string, number, string]>
  readonly #append: (entries: readonly OutboxEntry[], at: number) => number

  constructor(path: string) {
    this.#db = new Database(path, { fileMustExist: true, timeout: BUSY_MS })
    try {
      const version = this.#db.pragma('user_version', { simple: true })
      if (version !== PROTOCOL_VERSION) {
        throw new Error(`${path}: expected mailbox protocol ${PROTOCOL_VERSION}, got ${version}`)
      }
      this.#db.pragma('journal_mode = DELETE')
      // Also the folder, without which a power cut brings the removed journal back, and with it undoes the last commit:
      // a turn whose answer was sent would be done again (https://sqlite.org/pragma.html#pragma_synchronous).
      this.#db.pragma('synchronous = EXTRA')
      this.#insert = this.#db.prepare('INSERT INTO entry (at, type, ref, body) VALUES (?, ?, ?, ?)')
    } catch (error) {
      this.#db.close()
      throw error
    }
    this.#append = this.#db.transaction((entries: readonly OutboxEntry[], at: number) => {
      let last = 0
      for (const entry of entries) {
        last = Number(
          this.#insert.run(at, entry.type, outboxRef(entry), JSON.stringify(entry)).lastInsertRowid,
        )
      }
      return last
    })
  }

  /** Appends and syncs all entries or none; returns the position of the last. */
  append(entries: readonly OutboxEntry[], at: number): number {
    return this.#append(entries, at)
  }

  /** How often a turn was begun for this inbox entry and not handed back. */
  attempts(inboxSeq: number): number {
    const row = this.#db
      .prepare<[number], { n: number | null }>(
        `SELECT sum(CASE type WHEN 'accepted' THEN 1 ELSE -1 END) AS n
         FROM entry WHERE type IN ('accepted', 'returned') AND ref = ?`,
      )
      .get(inboxSeq)
    return row?.n ?? 0
  }

  /** Keys of the messages and asks that tools have sent in the turns of this inbox entry. */
  sent(inboxSeq: number): Set<string> {
    const rows = this.#db
      .prepare<[number], { key: string }>(
        "SELECT body ->> '$.key' AS key FROM entry WHERE type IN ('send', 'ask') AND ref = ?",
      )
      .all(inboxSeq)
    return new Set(rows.map((row) => row.key))
  }

  /** Inbox positions that are settled for good. */
  settled(): Set<number> {
    const rows = this.#db.prepare<[], { ref: number }>("SELECT ref FROM entry WHERE type = 'settled'").all()
    return new Set(rows.map((row) => row.ref))
  }

  /**
   * Forgets entries up to `seq`, but never the newest (positions are not reused). Of inbox entries that the inbox
   * still holds, those from `oldestInboxSeq` on, it keeps the settlement (it would run again), the attempts (a crash
   * loop would count from zero after each acknowledgement) and what tools sent (it would be sent again).
   */
  prune(seq: number, oldestInboxSeq: number): void {
    this.#db
      .prepare(
        `DELETE FROM entry WHERE seq <= ? AND seq < (SELECT max(seq) FROM entry)
         AND NOT (type IN ('accepted', 'returned', 'send', 'ask', 'settled') AND ref >= ?)`,
      )
      .run(seq, oldestInboxSeq)
  }

  /** Files that entries name which are still here. */
  namedFiles(): Set<string> {
    const rows = this.#db.prepare<[], { body: string }>("SELECT body FROM entry WHERE type = 'file'").all()
    return new Set(rows.flatMap(({ body }) => OutboxFile.safeParse(JSON.parse(body)).data?.file ?? []))
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}
