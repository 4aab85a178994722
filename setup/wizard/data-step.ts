import { existsSync, readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ensureDataDir } from '../../src/adapters/folders/data-dir.ts'
import { hostRuns } from '../../src/cli/detached-host.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { changeSettings } from './settings-file.ts'
import type { SetupWorld, WizardStep } from './world.ts'

export const dataStep: WizardStep = {
  name: 'data',
  title: 'Where data goes',
  async look(world) {
    const { dataDir } = world.install().paths
    return { done: existsSync(dataDir), text: dataDir }
  },
  async interactive(world, prompter) {
    const install = world.install()
    const { dataDir } = install.paths
    const fixed = fixedBy(world)
    const keep = { value: 'keep', label: `Use ${dataDir}`, hint: contentOf(dataDir) } as const
    const other = { value: 'other', label: 'Another folder' } as const
    const back = { value: 'back', label: 'Back' } as const
    const choice = await prompter.select('Where should Creel keep its data (messages, vault, logs)?', [
      keep,
      ...(fixed === null ? [other] : []),
      back,
    ])
    if (choice === 'back') return 'back'
    if (choice === 'keep') {
      ensureDataDir(dataDir)
      return 'done'
    }
    const folder = await prompter.text('Folder', dataDir, (text) => problemOf(world, text))
    if (holdsData(dataDir) && resolve(install.projectDir, folder) !== dataDir) {
      prompter.note('What is there stays there', [
        `${dataDir} has data of Creel. It is not moved: the new folder begins empty.`,
        `To take it along, stop here and type: mv ${dataDir} ${folder}`,
      ])
      if (!(await prompter.confirm('Begin empty in the new folder?', false)))
        return this.interactive(world, prompter)
    }
    await use(world, folder)
    return 'done'
  },
  async unattended(world, answers) {
    const folder = answers.data_dir
    const { dataDir } = world.install().paths
    if (folder === undefined || resolve(world.context.projectDir, folder) === dataDir)
      return ensureDataDir(dataDir)
    const fixed = fixedBy(world)
    if (fixed !== null)
      throw new CreelError('conflict', `the data directory is set by ${fixed}`, { hint: `unset ${fixed}` })
    if (holdsData(dataDir))
      throw new CreelError('conflict', `${dataDir} has data of Creel, which would be left behind`, {
        hint: `to take it along: ./creel down; mv ${dataDir} ${folder}; then run this again`,
      })
    const problem = problemOf(world, folder)
    if (problem !== undefined) throw new CreelError('invalid', `data directory: ${problem}`)
    await use(world, folder)
  },
}

async function use(world: SetupWorld, folder: string): Promise<void> {
  const install = world.install()
  if (await hostRuns(install))
    throw new CreelError('conflict', 'Creel is running on the data directory that is to be changed', {
      hint: './creel down, then run this again',
    })
  // The folder first: settings that name it are only written when it can be used.
  ensureDataDir(resolve(install.projectDir, folder))
  changeSettings(install.configFile, [{ table: '', key: 'data_dir', value: folder }])
}

/** A variable of the environment comes before creel.toml: writing there would change nothing. */
function fixedBy({ context }: SetupWorld): string | null {
  return context.env.CREEL_DATA_DIR ? 'CREEL_DATA_DIR' : null
}

/** The folder is made private, so it must not be one that other things live in. */
function problemOf(world: SetupWorld, text: string): string | undefined {
  if (text === '') return 'a folder is needed'
  const path = resolve(world.context.projectDir, text)
  if (text.startsWith('~')) return 'write the whole path: ~ is not understood here'
  if (!existsSync(path) || holdsData(path)) return undefined
  if (!statSync(path).isDirectory()) return `${path} is a file`
  const entries = readdirSync(path)
  return entries.length === 0 ? undefined : `${path} holds other files: choose an empty or a new folder`
}

function holdsData(folder: string): boolean {
  return existsSync(resolve(folder, 'host.db')) || existsSync(resolve(folder, 'install-id'))
}

function contentOf(folder: string): string {
  if (!existsSync(folder)) return 'new'
  return holdsData(folder) ? 'has data of Creel, which is used' : 'is there'
}
