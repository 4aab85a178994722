import { chmodSync, lchownSync, lstatSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { Paths } from '../../paths.ts'
import { SANDBOX_USER } from '../../sandbox-user.ts'
import { makeFolder } from './make-folder.ts'

/**
 * Makes the folders an agent writes in: home, workspace, memory. As root they are given to the sandbox's user;
 * otherwise they are open to every uid inside a folder that only this account can enter. Idempotent; touches these
 * folders alone, never what an agent has put in them. Throws CreelError when one is a link or not a folder, or
 * cannot be given the mode it needs.
 */
export function prepareGroupFolders(paths: Paths, group: GroupName, hostUid: number): void {
  const shared = [paths.workspace(group), paths.memory(group)]
  const home = paths.home(group)
  ownFolder(dirname(dirname(home)), 0o700)
  ownFolder(dirname(home), 0o700)
  if (hostUid === 0) {
    folderAt(paths.groupDir(group))
    giveAway(home, 0o700)
    for (const folder of shared) giveAway(folder, 0o750)
  } else {
    ownFolder(paths.groupDir(group), 0o700)
    for (const folder of [home, ...shared]) ownFolder(folder, 0o777)
  }
}

/** A folder at exactly this path; a link would lead what follows out of the place meant. */
function folderAt(path: string): Stats {
  try {
    makeFolder(path, 0o755)
  } catch (error) {
    if (!lstatSync(path, { throwIfNoEntry: false })) throw refused(path, error)
  }
  const found = lstatSync(path)
  if (found.isDirectory()) return found
  const kind = found.isSymbolicLink() ? 'a symbolic link' : 'not a directory'
  throw new CreelError('invalid', `${path} is ${kind}, expected a directory`, {
    hint: 'remove it; creel makes the folder itself',
  })
}

function ownFolder(path: string, mode: number): void {
  const found = folderAt(path)
  if ((found.mode & 0o7777) === mode) return
  try {
    chmodSync(path, mode)
  } catch (error) {
    throw refused(path, error)
  }
}

function giveAway(path: string, mode: number): void {
  const found = folderAt(path)
  const { uid, gid } = SANDBOX_USER
  try {
    if (found.uid !== uid || found.gid !== gid) lchownSync(path, uid, gid)
    if ((found.mode & 0o7777) !== mode) chmodSync(path, mode)
  } catch (error) {
    throw refused(path, error)
  }
}

function refused(path: string, error: unknown): CreelError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected error'
  return new CreelError('unavailable', `cannot prepare ${path}: ${code}`, {
    hint: 'it must belong to the account that runs creel, on a disk that can be written',
    cause: error,
  })
}
