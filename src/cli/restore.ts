import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROTOCOL_VERSION } from '@creel/protocol'
import {
  clearStaged,
  type Exchange,
  exchangeContents,
  exchangeFor,
  finishExchange,
  hasContents,
} from '../adapters/backup/exchange.ts'
import { readBackup } from '../adapters/backup/read-backup.ts'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { lockInstance } from '../adapters/sqlite/instance-lock.ts'
import { checkHostDb, detachMail, makeMailAfter } from '../adapters/sqlite/snapshot.ts'
import { type Install, loadInstall } from '../config/load.ts'
import { CreelError, errorText } from '../domain/errors.ts'
import { isGroupName } from '../domain/ids.ts'
import { Paths } from '../paths.ts'
import { replaceFile } from '../replace-file.ts'

/** Name of the settings in a backup, below `settings/`. */
export const SETTINGS_NAME = 'creel.toml'

export interface Restored {
  readonly files: number
  readonly madeAt: number
  /** Where what was here before lies now. */
  readonly kept: readonly string[]
  /** Where the settings of the backup lie now; null when it has none, or the same. */
  readonly settings: string | null
}

/**
 * Puts a backup in the place of what is here: checked, unpacked and made ready first, then exchanged by renames. Killed
 * before that, the next start takes away what it left; killed in between, it finishes. Throws CreelError.
 */
export async function restore(
  install: Install,
  file: string,
  options: { readonly replace: boolean; readonly signal: AbortSignal; readonly env: NodeJS.ProcessEnv },
): Promise<Restored> {
  const { paths } = install
  const before = existsSync(paths.hostDb) || hasContents(paths.groupsDir)
  if (before && !options.replace) {
    throw new CreelError('conflict', 'there is data here already', {
      hint: 'with --replace it is moved aside, not deleted',
    })
  }
  mkdirSync(paths.dataDir, { recursive: true, mode: 0o700 })
  // While it is held no host starts here, and none runs.
  const lock = lockInstance(paths.lockFile)
  const settings = mkdtempSync(join(tmpdir(), 'creel-restore-'))
  try {
    finishExchange(paths.restoreJournal)
    const stamp = systemClock.now()
    const exchanges = [exchangeFor(paths.dataDir, stamp), exchangeFor(paths.groupsDir, stamp)]
    const [data, groups] = exchanges.map(({ fresh }) => fresh) as [string, string]
    const manifest = await readBackup(file, { data, groups, settings }, options.signal)
    if (manifest.protocol !== PROTOCOL_VERSION) {
      throw new CreelError('conflict', `${file} is of another version (protocol ${manifest.protocol})`, {
        hint: 'restore it with the version of Creel that made it, then upgrade',
      })
    }
    makeReady(new Paths(data, groups), file)
    exchangeContents(paths.restoreJournal, exchanges)
    const placed = placeSettings(install, join(settings, SETTINGS_NAME), options.env)
    return {
      files: manifest.files.length,
      madeAt: manifest.madeAt,
      kept: keep(exchanges, before),
      settings: placed,
    }
  } finally {
    // One that has begun is the next start's to finish: what it needs stays.
    if (!existsSync(paths.restoreJournal)) clearStaged([paths.dataDir, paths.groupsDir])
    rmSync(settings, { recursive: true, force: true })
    lock[Symbol.dispose]()
  }
}

function keep(exchanges: readonly Exchange[], before: boolean): string[] {
  const kept = exchanges.map(({ aside }) => aside).filter((folder) => existsSync(folder))
  if (before) return kept
  for (const folder of kept) rmSync(folder, { recursive: true })
  return []
}

/** The database is checked whole, and gets mailboxes that begin where it ends. */
function makeReady(staged: Paths, file: string): void {
  const found = existsSync(staged.hostDb) ? checkHostDb(staged.hostDb) : 'it has no database'
  if (found !== 'ok') {
    throw new CreelError('invalid', `${file}: the database in it is not sound: ${found}`, {
      hint: 'nothing was changed; take another backup',
    })
  }
  for (const position of detachMail(staged.hostDb)) {
    if (!isGroupName(position.group)) continue
    const group = position.group
    for (const folder of [staged.mailIn(group), staged.mailOut(group)]) mkdirSync(folder, { recursive: true })
    makeMailAfter({ inbox: staged.inbox(group), outbox: staged.outbox(group) }, position)
  }
}

/**
 * Settings take effect only where there are none and they lead to these folders; else they are put beside, to be
 * compared by a person. Returns where they are; null when there is nothing to put.
 */
function placeSettings(install: Install, from: string, env: NodeJS.ProcessEnv): string | null {
  if (!existsSync(from)) return null
  const text = readFileSync(from, 'utf8')
  const { configFile, paths } = install
  if (existsSync(configFile) && readFileSync(configFile, 'utf8') === text) return null
  const fits = !existsSync(configFile) && leadsTo(install, from, env)
  for (const target of [
    fits ? configFile : `${configFile}.restored`,
    join(paths.dataDir, 'creel.toml.restored'),
  ]) {
    try {
      replaceFile(target, text, 0o600)
      return target
    } catch (error) {
      // In a container the program's own folder cannot be written.
      if (!(error instanceof Error && 'code' in error)) throw error
    }
  }
  return null
}

function leadsTo(install: Install, configFile: string, env: NodeJS.ProcessEnv): boolean {
  try {
    const { paths } = loadInstall(install.projectDir, { ...env, CREEL_CONFIG: configFile })
    return paths.dataDir === install.paths.dataDir && paths.groupsDir === install.paths.groupsDir
  } catch (error) {
    if (error instanceof CreelError) return false
    throw new CreelError('internal', `the settings of the backup cannot be read: ${errorText(error)}`, {
      cause: error,
    })
  }
}
