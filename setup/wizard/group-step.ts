import { existsSync } from 'node:fs'
import { z } from 'zod'
import { runCommand } from '../../src/cli/session.ts'
import { PROVIDERS } from '../../src/config/schema.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { isGroupName } from '../../src/domain/ids.ts'
import { changeGroupFile } from './group-file.ts'
import type { Prompter } from './prompter.ts'
import type { SetupWorld, WizardStep } from './world.ts'

const Groups = z.array(z.object({ group: z.string(), provider: z.string().nullable() }))
const FIRST = 'main'

export const groupStep: WizardStep = {
  name: 'group',
  title: 'Your agent',
  async look(world) {
    if (isUntouched(world)) return { done: false, text: 'none yet' }
    const groups = await knownGroups(world)
    const text = groups.map(({ group, provider }) => `${group} (${provider ?? 'broken'})`).join(', ')
    return { done: groups.length > 0, text: text || 'none yet' }
  },
  async interactive(world, prompter) {
    const groups = await knownGroups(world)
    const question = groups.length === 0 ? 'Your first agent' : 'Which agent?'
    const choice = await prompter.select(question, [
      ...groups.map(({ group, provider }) => ({
        value: `= ${group}`,
        label: group,
        hint: provider ?? 'broken',
      })),
      { value: 'new', label: 'Make a new one' },
      { value: 'skip', label: 'Skip: leave it as it is' },
      { value: 'back', label: 'Back' },
    ])
    if (choice === 'back') return 'back'
    if (choice === 'skip') return 'skipped'
    if (choice === 'new') return (await makeOne(world, prompter)) ? 'done' : this.interactive(world, prompter)
    const known = groups.find(({ group }) => `= ${group}` === choice)
    if (known === undefined) return this.interactive(world, prompter)
    world.chosen.group = known.group
    const provider = await askProvider(prompter, known.provider ?? 'demo')
    if (provider === 'back') return this.interactive(world, prompter)
    if (provider !== known.provider) await useProvider(world, known.group, { provider })
    return 'done'
  },
  async unattended(world, answers) {
    const groups = await knownGroups(world)
    const named = answers.group?.name ?? world.chosen.group ?? groups[0]?.group ?? FIRST
    const isThere = groups.some(({ group }) => group === named)
    if (!isThere) await add(world, named, world.chosen.provider ?? 'demo', answers.group?.persona)
    else if (answers.group?.persona !== undefined)
      throw new CreelError('conflict', `${named} exists, and its AGENTS.md is its owner's`, {
        hint: `leave the persona out, and change groups/${named}/AGENTS.md by hand`,
      })
    world.chosen.group = named
  },
}

/** Nothing was ever kept here: asking Creel would make a database, where none may be meant to be. */
export function isUntouched(world: SetupWorld): boolean {
  return !existsSync(world.install().paths.hostDb)
}

/** The agents there are. */
export async function knownGroups(world: SetupWorld): Promise<z.infer<typeof Groups>> {
  return Groups.parse(await runCommand(world.install(), 'group-list'))
}

/** The agent of this name, or without one the only one; null where there is none such. */
export async function soleGroup(world: SetupWorld, named: string | undefined): Promise<string | null> {
  const groups = await knownGroups(world)
  const wanted = named ?? world.chosen.group ?? (groups.length === 1 ? groups[0]?.group : undefined)
  return groups.find(({ group }) => group === wanted)?.group ?? null
}

/** Writes into its container.json what drives an agent; counts at once, also in a running Creel. */
export async function useProvider(
  world: SetupWorld,
  group: string,
  { provider, model }: { readonly provider: string; readonly model?: string },
): Promise<void> {
  if (!isGroupName(group)) throw new CreelError('invalid', `not the name of an agent: ${group}`)
  changeGroupFile(world.install().paths.groupConfig(group), { provider, model })
  world.say(`${group} is driven by ${provider}`)
}

/** False when they went back. */
async function makeOne(world: SetupWorld, prompter: Prompter): Promise<boolean> {
  const known = await knownGroups(world)
  const name = await prompter.text('Its name (empty: back)', known.length === 0 ? FIRST : '', (text) => {
    if (text !== '' && !isGroupName(text)) return 'a-z, 0-9 and -, at most 31 characters, a letter first'
    return known.some(({ group }) => group === text) ? `${text} exists already` : undefined
  })
  if (name === '') return false
  const persona = await prompter.text('Who is it? One line (empty: a helpful agent)', '', (text) =>
    text.length > 2_000 ? 'shorter, please: the rest goes into its AGENTS.md' : undefined,
  )
  const provider = world.chosen.provider ?? (await askProvider(prompter, 'demo'))
  if (provider === 'back') return false
  await add(world, name, provider, persona === '' ? undefined : persona)
  return true
}

async function askProvider(prompter: Prompter, initial: string): Promise<string> {
  const options = PROVIDERS.map((value) => ({ value: value as string, label: value as string }))
  return prompter.select('What drives it?', [...options, { value: 'back', label: 'Back' }], initial)
}

async function add(
  world: SetupWorld,
  name: string,
  provider: string,
  persona: string | undefined,
): Promise<void> {
  const { model } = world.chosen
  const install = world.install()
  await runCommand(install, 'group-add', {
    ...{ name, provider },
    ...(model === undefined || provider !== world.chosen.provider ? {} : { model }),
    ...(persona === undefined ? {} : { persona }),
  })
  world.chosen.group = name
  world.say(`made the agent ${name} in ${install.paths.groupsDir}/${name}`)
}
