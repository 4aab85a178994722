// inbox.db: written by the host alone; the runner opens it read-only through a read-only mount.
import Database from 'better-sqlite3'
import { InboxEntry } from './inbox.ts'
import { INBOX_DDL } from './mail-schema.ts'
import { PROTOCOL_VERSION } from './version.ts'

export interface InboxRow {
  readonly seq: number
  readonly entry: InboxEntry
}

/** The runner holds read locks for well under this long; a sandbox that holds one longer is hostile or wedged. */
const WRITER_BUSY_MS = 25
const READER_BUSY_MS = 250

/** The host's end. Opening it rolls back a commit that a killed host left half done. */
export class InboxWriter implements Disposable {
  readonly #db: Database.Database
  readonly #insert: Database.Statement<[number, string, string, string]>
  readonly #find: Database.Statement<[string], { seq: number }>

  constructor(path: string) {
    this.#db = new Database(path, { timeout: WRITER_BUSY_MS })
    try {
      this.#prepareFile()
      this.#insert = this.#db.prepare('INSERT INTO entry (at, key, type, body) VALUES (?, ?, ?, ?)')
      this.#find = this.#db.prepare('SELECT seq FROM entry WHERE key = ?')
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  #prepareFile(): void {
    // A rollback journal: the other side of the mount reads without write permission, which WAL does not allow. It is
    // kept and blanked: to make and delete a file for each commit costs the disk more than the commit.
    this.#db.pragma('journal_mode = PERSIST')
    this.#db.pragma('synchronous = FULL')
    if (this.#db.pragma('user_version', { simple: true }) !== 0) return
    this.#db.transaction(() => {
      for (const statement of INBOX_DDL) this.#db.exec(statement)
      this.#db.pragma(`user_version = ${PROTOCOL_VERSION}`)
    })()
  }

  /** Protocol version the file was made with. */
  get version(): number {
    return Number(this.#db.pragma('user_version', { simple: true }))
  }

  /**
   * Appends and syncs one entry, and returns its position. The same `key` again returns the first position and
   * writes nothing. Throws SQLITE_BUSY when the sandbox holds a lock; nothing was written then.
   */
  put(key: string, entry: InboxEntry, at: number): number {
    const known = this.#find.get(key)
    if (known) return known.seq
    return Number(this.#insert.run(at, key, entry.type, JSON.stringify(entry)).lastInsertRowid)
  }

  /** Like `put` for each, in one commit. */
  putAll(items: readonly { readonly key: string; readonly entry: InboxEntry }[], at: number): number[] {
    return this.#db.transaction(() => items.map(({ key, entry }) => this.put(key, entry, at)))()
  }

  /**
   * Deletes entries up to `seq` except the ones named, and always keeps the newest so that positions are
   * never reused.
   */
  prune(seq: number, keep: readonly number[]): void {
    this.#db
      .prepare(
        `DELETE FROM entry WHERE seq <= ? AND seq < (SELECT max(seq) FROM entry)
         AND seq NOT IN (SELECT value FROM json_each(?))`,
      )
      .run(seq, JSON.stringify(keep))
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}

/** The runner's end. */
export class InboxReader implements Disposable {
  readonly #db: Database.Database
  readonly #after: Database.Statement<[number, number], { seq: number; body: string }>
  readonly #oldest: Database.Statement<[], { seq: number | null }>

  constructor(path: string) {
    this.#db = new Database(path, { readonly: true, fileMustExist: true, timeout: READER_BUSY_MS })
    try {
      const version = this.#db.pragma('user_version', { simple: true })
      if (version !== PROTOCOL_VERSION) {
        throw new Error(`${path}: expected mailbox protocol ${PROTOCOL_VERSION}, got ${version}`)
      }
      this.#after = this.#db.prepare('SELECT seq, body FROM entry WHERE seq > ? ORDER BY seq LIMIT ?')
      this.#oldest = this.#db.prepare('SELECT min(seq) AS seq FROM entry')
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /** Position of the oldest entry still there; null when there is none. */
  oldest(): number | null {
    return this.#oldest.get()?.seq ?? null
  }

  /** Entries after `seq`, oldest first. */
  after(seq: number, limit: number): InboxRow[] {
    return this.#after.all(seq, limit).map((row) => ({
      seq: row.seq,
      entry: InboxEntry.parse(JSON.parse(row.body)),
    }))
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}
