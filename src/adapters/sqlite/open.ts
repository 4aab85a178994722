// host.db: written by the one host process of a data directory.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { CreelError, errorText } from '../../domain/errors.ts'
import { keepPlans } from './kept-plan.ts'

/** Copies of the file from before earlier migrations. */
const KEPT_COPIES = 2

const MIGRATIONS = join(import.meta.dirname, 'migrations')

/**
 * Opens and migrates host.db. Throws CreelError: `conflict` when the file was made by a newer Creel with a
 * breaking change, `internal` when it is damaged, `unavailable` when it cannot be written.
 */
export function openHostDb(path: string): Database.Database {
  let db: Database.Database | undefined
  try {
    db = new Database(path, { timeout: 2_000 })
    db.pragma('journal_mode = WAL')
    // I1: a message is on the disk, not in a cache, before the platform hears that we have it.
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    keepPlans(db)
    migrate(db, path)
    return db
  } catch (error) {
    db?.close()
    throw hostDbError(path, error)
  }
}

function migrate(db: Database.Database, path: string): void {
  db.exec('CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, breaking INTEGER NOT NULL) STRICT')
  const known = readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  const done = db
    .prepare<[], { name: string; breaking: number }>('SELECT name, breaking FROM migration ORDER BY name')
    .all()
  const foreign = done.find((row) => row.breaking === 1 && !known.includes(row.name))
  if (foreign) {
    throw new CreelError('conflict', `${path}: made by a newer Creel (it has step ${foreign.name})`, {
      hint: 'start the newer version again, or restore the backup made before it',
    })
  }
  const applied = new Set(done.map((row) => row.name))
  const pending = known.filter((name) => !applied.has(name))
  if (pending[0] !== undefined && done.length > 0) keepCopy(db, path, pending[0])
  for (const name of pending) {
    const sql = readFileSync(join(MIGRATIONS, name), 'utf8')
    db.transaction(() => {
      db.exec(sql)
      db.prepare('INSERT INTO migration (name, breaking) VALUES (?, ?)').run(
        name,
        sql.startsWith('-- breaking') ? 1 : 0,
      )
    })()
  }
}

/** The file as it was before the step `next`, beside it; the newest copies stay. */
function keepCopy(db: Database.Database, path: string, next: string): void {
  if (path === ':memory:') return
  const copy = `${path}.before-${next.replace(/\.sql$/, '')}`
  rmSync(copy, { force: true })
  try {
    db.prepare('VACUUM INTO ?').run(copy)
  } catch (error) {
    // On a full disk half of it would take the last room.
    rmSync(copy, { force: true })
    throw error
  }
  const copies = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.before-`))
  const oldest = copies
    .map((name) => join(dirname(path), name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    .slice(KEPT_COPIES)
  for (const file of oldest) rmSync(file, { force: true })
}

function hostDbError(path: string, error: unknown): CreelError {
  if (error instanceof CreelError) return error
  const code = error instanceof Database.SqliteError ? error.code : ''
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new CreelError('internal', `${path}: damaged (${errorText(error)})`, {
      hint: 'restore a backup, or move the file away to begin anew; the groups folder is not affected',
      cause: error,
    })
  }
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return new CreelError('unavailable', `${path}: cannot be written (${errorText(error)})`, {
      hint: 'free some disk space and start again; nothing was lost',
      cause: error,
    })
  }
  return new CreelError('unavailable', `${path}: cannot be opened (${errorText(error)})`, {
    hint: 'check that the folder exists and belongs to the user Creel runs as',
    cause: error,
  })
}
