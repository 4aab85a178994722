import Database from 'better-sqlite3'
import { CreelError, errorText } from '../../domain/errors.ts'

/**
 * Makes sure that one process at a time works in a data directory. The lock is the kernel's lock on an open
 * SQLite file: it goes when the process dies, however it dies, and it works between containers that share the
 * volume. Throws CreelError: `conflict` when somebody holds it,
 * `unavailable` when the file cannot be used.
 */
export function lockInstance(path: string): Disposable {
  let db: Database.Database | undefined
  try {
    db = new Database(path, { timeout: 0 })
    db.pragma('journal_mode = DELETE')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new CreelError('conflict', 'another Creel is already running on this data directory', {
        hint: './creel status shows it, ./creel down stops it',
        cause: error,
      })
    }
    const full = error instanceof Database.SqliteError && error.code === 'SQLITE_FULL'
    throw new CreelError('unavailable', `${path}: cannot be locked (${errorText(error)})`, {
      hint: full
        ? 'free some disk space and start again; nothing was lost'
        : 'the file holds nothing: give it to the account that runs creel, or remove it',
      cause: error,
    })
  }
  const held = db
  return {
    [Symbol.dispose]() {
      held.close()
    },
  }
}

/** Whether somebody works in the data directory right now. Takes no lock and writes nothing, so it needs no room. */
export function isLocked(path: string): boolean {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 })
    try {
      db.prepare('SELECT count(*) FROM sqlite_schema').get()
      return false
    } finally {
      db.close()
    }
  } catch (error) {
    return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
  }
}
