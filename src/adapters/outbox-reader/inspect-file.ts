import { closeSync, constants, lstatSync, openSync, readSync } from 'node:fs'

/** Far above what a pruned outbox needs; bounds what one read can cost. */
const MAX_FILE_BYTES = 256 * 1024 * 1024

/**
 * Why this path must not be opened as an outbox, or null. Looks without opening or following anything: opening a
 * FIFO hangs, a link reads somebody else's file, and SQLite acts on a neighbouring `-wal` without being asked.
 * What changes between this look and the open is caught by the sticky folder, by SQLite's own O_NOFOLLOW and by
 * the reader's locking mode.
 */
export function refuseOutboxFile(path: string, ownerUid: number | undefined): string | null {
  const file = lstatSync(path, { throwIfNoEntry: false })
  if (!file) return 'the file is missing'
  if (!file.isFile()) return 'not a regular file'
  if (file.nlink !== 1) return 'the file has a second name (hard link)'
  if (ownerUid !== undefined && file.uid !== ownerUid) return `owned by uid ${file.uid}, expected ${ownerUid}`
  if (file.size === 0) return 'the file is empty'
  if (file.size > MAX_FILE_BYTES) return `${file.size} bytes, more than ${MAX_FILE_BYTES}`
  const journal = lstatSync(`${path}-journal`, { throwIfNoEntry: false })
  if (journal && !journal.isFile()) return 'the journal is not a regular file'
  for (const suffix of ['-wal', '-shm']) {
    if (lstatSync(`${path}${suffix}`, { throwIfNoEntry: false })) return `unexpected ${suffix} file beside it`
  }
  return null
}

/** First bytes of a rollback journal that is on the disk; before that they are nought (https://sqlite.org/fileformat2.html#the_rollback_journal). */
const JOURNAL_MAGIC = Buffer.from('d9d505f920a163d7', 'hex')

/**
 * Whether a commit is under way, or its writer died in it. SQLite must not look then: as root it would make the journal
 * its own, which the writer in the sandbox could not remove any more. The writer rings when it is through.
 */
export function hasSyncedJournal(path: string): boolean {
  let file: number
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
    file = openSync(`${path}-journal`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
  try {
    const head = Buffer.alloc(JOURNAL_MAGIC.length)
    return readSync(file, head) === head.length && head.equals(JOURNAL_MAGIC)
  } finally {
    closeSync(file)
  }
}
