/** Locks, half-done commits and full disks pass; a file that is no database, or no error of SQLite, does not. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  return error.code.startsWith('SQLITE_') && !/^SQLITE_(NOTADB|CORRUPT)/.test(error.code)
}
