import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PROTOCOL_VERSION } from '@creel/protocol'
import type { Command } from 'commander'
import { readBackup } from '../adapters/backup/read-backup.ts'
import { type BackupReport, type BackupRoot, writeBackup } from '../adapters/backup/write-backup.ts'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { lockInstance } from '../adapters/sqlite/instance-lock.ts'
import { checkHostDb, detachMail, makeMailAfter, snapshotHostDb } from '../adapters/sqlite/snapshot.ts'
import type { Install } from '../config/load.ts'
import { CreelError } from '../domain/errors.ts'
import { isGroupName } from '../domain/ids.ts'
import { Paths } from '../paths.ts'
import { type CliContext, installOf } from './context.ts'
import { print } from './output.ts'

/** Below the data directory: what is made anew, belongs to one run, or is written by sandboxes and rebuilt from host.db. */
const NOT_DATA =
  /^(?:host\.db.*|instance\.lock.*|control\.sock|gateway|run|logs|mail|skills|files\/incoming)$/

export function addBackupCommands(program: Command, context: CliContext): void {
  program
    .command('backup [file]')
    .description('write everything into one file, while Creel runs or not')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
One .tar.gz with the database as it is at this moment, vault, received files, and the groups with their memory and
workspace; every file with its checksum. The vault in it is as sealed as it is on disk: keep its key elsewhere.
creel.toml is not in it. Without a name: creel-backup-DATE.tar.gz here.`,
    )
    .action(async (file: string | undefined, options: { json?: boolean }) => {
      const stamp = new Date(systemClock.now()).toISOString().slice(0, 19).replaceAll(':', '')
      const target = resolve(file ?? `creel-backup-${stamp}.tar.gz`)
      if (!options.json) context.output.err('writing the backup')
      const report = await backUp(installOf(context), target, context.signal)
      print(context.output, options.json, { file: target, ...report }, () => reportText(target, report))
    })
  program
    .command('restore <file>')
    .description('put a backup in the place of what is here; Creel must not run')
    .option('--replace', 'though there is data here: it is kept beside, under another name')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Checks every file of the backup and the whole database before anything is changed. Messages that were not answered
when the backup was made are given to their agents again.

  creel restore creel-backup.tar.gz --replace`,
    )
    .action(async (file: string, options: { replace?: boolean; json?: boolean }) => {
      if (!options.json) context.output.err('checking the backup')
      const result = await restore(
        installOf(context),
        resolve(file),
        options.replace ?? false,
        context.signal,
      )
      print(context.output, options.json, result, () =>
        [
          `restored ${result.files} file(s) from the backup of ${new Date(result.madeAt).toISOString()}`,
          ...result.kept.map((folder) => `what was here before: ${folder}`),
        ].join('\n'),
      )
    })
}

function reportText(target: string, report: BackupReport): string {
  const { files, bytes, skipped } = report
  const shown = skipped.slice(0, 10).map(({ name, why }) => `  left out: ${name} (${why})`)
  const rest = skipped.length > 10 ? [`  and ${skipped.length - 10} more left out`] : []
  return [
    `${target}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB before compression`,
    ...shown,
    ...rest,
  ].join('\n')
}

async function backUp(install: Install, target: string, signal: AbortSignal): Promise<BackupReport> {
  const { dataDir, groupsDir, hostDb } = install.paths
  if (!existsSync(hostDb)) {
    throw new CreelError('not_found', `there is nothing to save: ${hostDb} does not exist`, {
      hint: './creel up',
    })
  }
  const draft = mkdtempSync(join(dataDir, 'run-backup-'))
  try {
    await snapshotHostDb(hostDb, join(draft, 'host.db'))
    const roots: BackupRoot[] = [
      { name: 'data', path: draft, skip: () => false },
      { name: 'data', path: dataDir, skip: (name) => NOT_DATA.test(name) || name.startsWith('run-backup-') },
      { name: 'groups', path: groupsDir, skip: () => false },
    ]
    return await writeBackup(target, roots, { madeAt: systemClock.now(), protocol: PROTOCOL_VERSION }, signal)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

async function restore(install: Install, file: string, replace: boolean, signal: AbortSignal) {
  const { paths } = install
  const before = hasData(paths)
  if (before && !replace) {
    throw new CreelError('conflict', 'there is data here already', {
      hint: 'with --replace it is moved aside, not deleted',
    })
  }
  mkdirSync(paths.dataDir, { recursive: true, mode: 0o700 })
  // While it is held no host starts here, and none runs.
  const lock = lockInstance(paths.lockFile)
  const staged = new Paths(`${paths.dataDir}.restoring`, `${paths.groupsDir}.restoring`)
  try {
    for (const folder of [staged.dataDir, staged.groupsDir]) {
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder, { recursive: true, mode: 0o700 })
    }
    const manifest = await readBackup(file, { data: staged.dataDir, groups: staged.groupsDir }, signal)
    if (manifest.protocol !== PROTOCOL_VERSION) {
      throw new CreelError('conflict', `${file} is of another version (protocol ${manifest.protocol})`, {
        hint: 'restore it with the version of Creel that made it, then upgrade',
      })
    }
    makeReady(staged, file)
    const kept = switchOver(paths, staged)
    if (!before) for (const folder of kept) rmSync(folder, { recursive: true })
    return { files: manifest.files.length, madeAt: manifest.madeAt, kept: before ? kept : [] }
  } finally {
    lock[Symbol.dispose]()
    for (const folder of [staged.dataDir, staged.groupsDir]) rmSync(folder, { recursive: true, force: true })
  }
}

/** Anything in the groups folder counts: it may be somebody's. */
function hasData({ hostDb, groupsDir }: Paths): boolean {
  return existsSync(hostDb) || (existsSync(groupsDir) && readdirSync(groupsDir).length > 0)
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

/** Two renames; when the second cannot be done the first is undone. Returns where the old data is now. */
function switchOver(paths: Paths, staged: Paths): string[] {
  const stamp = `before-restore-${systemClock.now()}`
  const moves = [
    { from: staged.dataDir, to: paths.dataDir, aside: `${paths.dataDir}.${stamp}` },
    { from: staged.groupsDir, to: paths.groupsDir, aside: `${paths.groupsDir}.${stamp}` },
  ]
  const undo: (() => void)[] = []
  const move = (from: string, to: string) => {
    renameSync(from, to)
    undo.unshift(() => renameSync(to, from))
  }
  const kept: string[] = []
  try {
    for (const { from, to, aside } of moves) {
      mkdirSync(dirname(to), { recursive: true })
      if (existsSync(to)) {
        move(to, aside)
        kept.push(aside)
      }
      move(from, to)
    }
  } catch (error) {
    for (const step of undo) step()
    throw new CreelError('unavailable', `${paths.dataDir} cannot be replaced`, {
      hint: 'a folder that is a mount of its own cannot be renamed: restore where data and groups are ordinary folders',
      cause: error,
    })
  }
  return kept
}
