import { accessSync, chmodSync, constants, statSync } from 'node:fs'
import { CreelError } from '../../domain/errors.ts'
import { makeFolder } from './make-folder.ts'

/**
 * Makes the data directory, or takes it over: afterwards it is ours alone (0700), which is what lets the folders
 * below it be open to the sandbox's uid. Idempotent. Throws CreelError with what to do.
 */
export function ensureDataDir(path: string): void {
  try {
    makeFolder(path, 0o700)
    if (!statSync(path).isDirectory()) throw notAFolder(path)
    chmodSync(path, 0o700)
    accessSync(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw dataDirError(path, error)
  }
}

function notAFolder(path: string): CreelError {
  return new CreelError('invalid', `data directory ${path} is not a directory`, {
    hint: 'move that file away, or set data_dir to another path',
  })
}

function dataDirError(path: string, error: unknown): CreelError {
  if (error instanceof CreelError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error'
  if (code === 'EEXIST' || code === 'ENOTDIR') return notAFolder(path)
  const hints: Record<string, string> = {
    EROFS: 'its file system is mounted read-only: set data_dir to a path that can be written',
    EACCES: 'give it to the account that runs creel, or set data_dir to a path that can be written',
    EPERM: 'it belongs to another account: give it to the one that runs creel, or set another data_dir',
    ENOSPC: 'free some disk space',
  }
  return new CreelError('unavailable', `data directory ${path} cannot be used: ${code}`, {
    hint: hints[code] ?? 'set data_dir to a path that can be written',
    cause: error,
  })
}
