import { chmodSync, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createOutbox, OUTBOX_FILE } from '@creel/protocol'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { Paths } from '../../paths.ts'
import { moveIntoPlace } from '../../replace-file.ts'

/** Readable for the sandbox's uid, which reads through a read-only mount. */
export const READABLE = 0o644

/**
 * The two folders of a group's mail, with modes set outright because a umask may take from them. The folder above
 * is for the host alone, so the open modes below it mean the sandbox and nobody else. Idempotent.
 *
 * `out` is sticky and the host's own: the sandbox can add rows to the host's outbox.db and files of its own, but
 * cannot rename, delete or replace what the host has put there.
 */
export function makeMailFolders(paths: Paths, group: GroupName): void {
  const inFolder = paths.mailIn(group)
  const outFolder = paths.mailOut(group)
  const own = dirname(inFolder)
  makeFolder(paths.dataDir, 0o700)
  makeFolder(dirname(own), 0o700)
  makeFolder(own, 0o700)
  makeFolder(inFolder, 0o755)
  makeFolder(outFolder, 0o1777)
  makeFolder(paths.filesIn(group), 0o755)
  makeFolderAmongHostile(paths.filesOut(group), 0o1777)
}

/** The sandbox can write in the folder above, and may have put something else here first. */
function makeFolderAmongHostile(path: string, mode: number): void {
  const there = lstatSync(path, { throwIfNoEntry: false })
  const ours = there?.isDirectory() === true && there.uid === (process.getuid?.() ?? there.uid)
  if (there && !ours) {
    throw new CreelError('invalid', `${path} is not a folder of Creel's own: the sandbox made it`, {
      hint: 'remove it',
    })
  }
  makeFolder(path, mode)
}

/**
 * Makes an empty outbox when there is none; one that exists is not touched in any way. Built beside the folder
 * and moved in whole, because a half-made one inside would count as existing.
 */
export function makeOutbox(paths: Paths, group: GroupName): void {
  const outbox = paths.outbox(group)
  if (lstatSync(outbox, { throwIfNoEntry: false })) return
  const draft = join(dirname(paths.mailOut(group)), `${OUTBOX_FILE}.new`)
  for (const leftover of [draft, `${draft}-journal`]) rmSync(leftover, { force: true })
  createOutbox(draft)
  chmodSync(draft, 0o666)
  moveIntoPlace(draft, outbox)
}

// One level at a time: mkdir with `recursive` can spin for ever (https://github.com/openclaw/openclaw/issues/130807).
function makeFolder(path: string, mode: number): void {
  if (!statSync(path, { throwIfNoEntry: false })) mkdirSync(path, mode)
  chmodSync(path, mode)
}
