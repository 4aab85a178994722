import { CreelError } from '../../domain/errors.ts'

/** Which code a file or SQLite error carries; empty when none. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether the sandbox (or another process) holds a lock: nothing was written, the same call may be made again. */
export function isLocked(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))
}

/** The error for a person: what failed, at which file (`path` when the error names none), and what to do. */
export function toCreelError(action: string, path: string, error: unknown): CreelError {
  if (error instanceof CreelError) return error
  const code = codeOf(error)
  const at = error instanceof Error && 'path' in error ? String(error.path) : path
  const message = `cannot ${action} ${at}: ${code || 'unexpected error'}`
  const because = (kind: 'unavailable' | 'invalid' | 'internal', hint: string) =>
    new CreelError(kind, message, { hint, cause: error })
  if (isLocked(error)) return because('unavailable', 'a process in the sandbox holds a lock on it')
  if (/^(ENOSPC|EDQUOT|SQLITE_FULL)$/.test(code)) return because('unavailable', 'free some disk space')
  if (code === 'EROFS') return because('unavailable', 'the file system is mounted read-only')
  if (/^(EACCES|EPERM|SQLITE_READONLY.*|SQLITE_CANTOPEN.*|SQLITE_PERM)$/.test(code))
    return because('unavailable', 'the data directory must belong to the account that runs creel')
  if (/^SQLITE_(IOERR|NOMEM)/.test(code)) return because('unavailable', 'check the disk and its free space')
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code))
    return because('invalid', 'the file is damaged: stop creel and restore it from a backup')
  return because('internal', 'the log has the details')
}
