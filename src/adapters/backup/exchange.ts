import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CreelError, errorText } from '../../domain/errors.ts'
import { replaceFile } from '../../replace-file.ts'

const Exchange = z.object({
  /** Its contents are replaced; the folder itself stays, for it may be a mount. */
  folder: z.string(),
  /** Where the new contents lie, on the same file system. */
  fresh: z.string(),
  /** Where the old contents go, on the same file system. */
  aside: z.string(),
})
const Journal = z.object({ step: z.enum(['aside', 'in']), exchanges: z.array(Exchange) })

export type Exchange = z.infer<typeof Exchange>

const FRESH = '.restoring'
/** What an exchange leaves where it is: its own, and what the process that does it holds open. */
export const NOT_EXCHANGED = /^(?:\.restoring|\.before-restore-\d+|restore\.json(?:\.new)?|instance\.lock.*)$/

/** Where the contents of a folder are exchanged from and to: beside it, or inside when it is a mount of its own. */
export function exchangeFor(folder: string, stamp: number): Exchange {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const inside = { folder, fresh: join(folder, FRESH), aside: join(folder, `.before-restore-${stamp}`) }
  const beside = { folder, fresh: `${folder}${FRESH}`, aside: `${folder}.before-restore-${stamp}` }
  rmSync(inside.fresh, { recursive: true, force: true })
  mkdirSync(inside.fresh, { mode: 0o700 })
  try {
    rmSync(beside.fresh, { recursive: true, force: true })
    // Whether a rename gets there is only known by doing one: a bind mount has the device of its surroundings.
    renameSync(inside.fresh, beside.fresh)
    return beside
  } catch (error) {
    if (isOtherPlace(error)) return inside
    throw error
  }
}

/**
 * Puts the new contents of all folders in the place of the old ones, by renames. `journal` is on disk while it goes on:
 * a kill in between is made good by `finishExchange`. What cannot be done is undone; then it throws CreelError.
 */
export function exchangeContents(journal: string, exchanges: readonly Exchange[]): void {
  for (const { fresh } of exchanges) syncFolder(fresh)
  replaceFile(journal, JSON.stringify({ step: 'aside', exchanges }), 0o600)
  try {
    finishExchange(journal)
  } catch (error) {
    undo(journal, exchanges)
    throw new CreelError('unavailable', `the contents could not be replaced: ${errorText(error)}`, {
      hint: 'all is as it was before; is a folder in there a mount of its own, or not yours?',
      cause: error,
    })
  }
}

/** Goes on where an exchange was killed. False when there was none. Idempotent; throws what the file system does. */
export function finishExchange(journal: string): boolean {
  if (!existsSync(journal)) return false
  const { step, exchanges } = Journal.parse(JSON.parse(readFileSync(journal, 'utf8')))
  if (step === 'aside') {
    for (const { folder, aside } of exchanges) moveAll(folder, aside)
    replaceFile(journal, JSON.stringify({ step: 'in', exchanges }), 0o600)
  }
  for (const { folder, fresh } of exchanges) moveAll(fresh, folder)
  end(journal, exchanges)
  return true
}

/** Removes what an exchange that never began has left. To be called while no exchange goes on. */
export function clearStaged(folders: readonly string[]): void {
  for (const folder of folders)
    for (const fresh of [`${folder}${FRESH}`, join(folder, FRESH)])
      rmSync(fresh, { recursive: true, force: true })
}

/** Whether there is anything in a folder besides what exchanges leave. */
export function hasContents(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => !NOT_EXCHANGED.test(name))
}

function undo(journal: string, exchanges: readonly Exchange[]): void {
  const { step } = Journal.parse(JSON.parse(readFileSync(journal, 'utf8')))
  for (const { folder, fresh, aside } of exchanges) {
    if (step === 'in') moveAll(folder, fresh)
    if (existsSync(aside)) moveAll(aside, folder)
  }
  end(journal, exchanges)
}

/** Every name of its own: those that were moved already are not there any more. */
function moveAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const name of existsSync(from) ? readdirSync(from) : [])
    if (!NOT_EXCHANGED.test(name)) renameSync(join(from, name), join(to, name))
  for (const folder of [from, to]) if (existsSync(folder)) syncFolder(folder)
}

function end(journal: string, exchanges: readonly Exchange[]): void {
  for (const { aside } of exchanges)
    if (existsSync(aside) && readdirSync(aside).length === 0) rmdirSync(aside)
  rmSync(journal, { force: true })
  for (const { fresh } of exchanges) rmSync(fresh, { recursive: true, force: true })
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function isOtherPlace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return ['EXDEV', 'EACCES', 'EPERM', 'EROFS', 'EBUSY'].includes(code)
}
