import type Database from 'better-sqlite3'

/**
 * Commits without waiting for the disk. Only for steps that a power cut may undo because they are found out and done
 * again with the same result: routing, placing in an inbox, taking over an outbox. A killed process loses nothing,
 * and the next full commit (before anything is sent) makes these durable too. Inside of another transaction it is a
 * part of that one.
 */
export function relaxedSync<T>(db: Database.Database, work: () => T): T {
  if (db.inTransaction) return work()
  db.exec('PRAGMA synchronous = NORMAL')
  try {
    return work()
  } finally {
    db.exec('PRAGMA synchronous = FULL')
  }
}

/**
 * The same for work that is all or nothing. Inside of another transaction that one undoes it: a savepoint of its own
 * costs as much as a statement.
 */
export function relaxedCommit<T>(db: Database.Database, inOneCommit: (work: () => T) => T, work: () => T): T {
  return db.inTransaction ? work() : relaxedSync(db, () => inOneCommit(work))
}
