import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PROTOCOL_VERSION } from '@creel/protocol'
import type { Command } from 'commander'
import { NOT_EXCHANGED } from '../adapters/backup/exchange.ts'
import { type BackupReport, type BackupRoot, writeBackup } from '../adapters/backup/write-backup.ts'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { isLocked } from '../adapters/sqlite/instance-lock.ts'
import { snapshotAtRest, snapshotHostDb } from '../adapters/sqlite/snapshot.ts'
import type { Install } from '../config/load.ts'
import { CreelError, errorText } from '../domain/errors.ts'
import type { Paths } from '../paths.ts'
import { type CliContext, installOf } from './context.ts'
import { print } from './output.ts'
import { restore, SETTINGS_NAME } from './restore.ts'

/** Below the data directory: what is made anew, belongs to one run, or is written by sandboxes and rebuilt from host.db. */
const NOT_DATA =
  /^(?:host\.db.*|instance\.lock.*|control\.sock|gateway|run|logs|mail|skills|files\/incoming)$/

export function addBackupCommands(program: Command, context: CliContext): void {
  program
    .command('backup [file]')
    .description('write data, agents and settings into one file, while Creel runs or not')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
One .tar.gz with the database as it is at this moment, vault, received files, and the groups with their memory and
workspace, and creel.toml; every file with its checksum. The vault in it is as sealed as it is on disk: keep its key
elsewhere. Not in it: skills that all agents share, key and token files in other folders, logs, and the
gateway's certificate, which is made anew. Without a name: creel-backup-DATE.tar.gz here.`,
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
when the backup was made are given to their agents again. creel.toml is put back where there is none; else it is put
beside yours, as creel.toml.restored. Killed at any moment, the next start finishes it or takes it back.

  creel restore creel-backup.tar.gz --replace`,
    )
    .action(async (file: string, options: { replace?: boolean; json?: boolean }) => {
      if (!options.json) context.output.err('checking the backup')
      const { signal, env } = context
      const replace = options.replace ?? false
      const result = await restore(installOf(context), resolve(file), { replace, signal, env })
      print(context.output, options.json, result, () =>
        [
          `restored ${result.files} file(s) from the backup of ${new Date(result.madeAt).toISOString()}`,
          ...result.kept.map((folder) => `what was here before: ${folder}`),
          ...(result.settings === null ? [] : [`settings of the backup: ${result.settings}`]),
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
  const draft = draftBeside(target)
  const [data, settings] = [join(draft, 'data'), join(draft, 'settings')]
  try {
    for (const folder of [data, settings]) mkdirSync(folder)
    await copyHostDb(install.paths, join(data, 'host.db'))
    if (existsSync(install.configFile)) copyFileSync(install.configFile, join(settings, SETTINGS_NAME))
    const nothing = () => false
    const roots: BackupRoot[] = [
      { name: 'data', path: data, skip: nothing },
      { name: 'settings', path: settings, skip: nothing },
      { name: 'data', path: dataDir, skip: (name) => NOT_DATA.test(name) || NOT_EXCHANGED.test(name) },
      { name: 'groups', path: groupsDir, skip: (name) => NOT_EXCHANGED.test(name) },
    ]
    return await writeBackup(target, roots, { madeAt: systemClock.now(), protocol: PROTOCOL_VERSION }, signal)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Where the backup goes there has to be room, and on the disk of the data there may be none: that is when people save. */
function draftBeside(target: string): string {
  try {
    return mkdtempSync(`${target}.draft-`)
  } catch (error) {
    throw new CreelError('unavailable', `${dirname(target)} cannot be written: ${errorText(error)}`, {
      hint: 'name a file in a folder that exists, belongs to you and has room',
      cause: error,
    })
  }
}

async function copyHostDb({ hostDb, lockFile }: Paths, to: string): Promise<void> {
  try {
    await snapshotHostDb(hostDb, to).catch((error: unknown) => {
      if (isLocked(lockFile)) throw error
      rmSync(to, { force: true })
      snapshotAtRest(hostDb, to)
    })
  } catch (error) {
    throw new CreelError('unavailable', `${hostDb} cannot be copied to ${dirname(to)}: ${errorText(error)}`, {
      hint: 'is there enough space? else ./creel doctor says what is wrong with the database',
      cause: error,
    })
  }
}
