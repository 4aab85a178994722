import { resolve } from 'node:path'
import type { Command } from 'commander'
import { GroupRegistry } from '../adapters/groups/group-registry.ts'
import { SkillFolders } from '../adapters/skills/skill-folders.ts'
import {
  addSkill,
  lookAtSkill,
  pinSkill,
  removeSkill,
  type SkillReport,
} from '../adapters/skills/skill-store.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import { imageParts } from '../domain/skill.ts'
import { type CliContext, installOf } from './context.ts'
import { oneLine, print, table } from './output.ts'

interface Where {
  readonly group?: string
  readonly json?: boolean
}

const HELP = `
A skill is a folder with a SKILL.md (https://agentskills.io): instructions that a model reads when it needs
them, and programs that it may run, in the sandbox only. Those in skills/ are for every agent, those in
groups/NAME/skills/ for one.

  creel skills list home             what the agent home has, and what was left out and why
  creel skills lint ./my-skill       is this folder a sound one?
  creel skills add ./my-skill        shows what is in it; with --yes it is let in, as it is now
  creel skills add ./my-skill --group home --yes

A skill that was added is pinned: when a file of it changes, agents do not get it until "creel skills pin NAME"
says that the change is wanted. Folders that you made by hand are not pinned. All of it counts from the next
start of a sandbox.`

/** Skills as folders: to be listed, looked at, let in and taken away. Works whether the host runs or not. */
export function addSkillsCommands(program: Command, context: CliContext): void {
  const skills = program
    .command('skills')
    .description('what agents are taught: list, lint, add, pin, remove')
    .addHelpText('after', HELP)
  skills
    .command('list [group]', { isDefault: true })
    .description('skills of an agent, or of all')
    .addHelpText('after', '\n  creel skills list home    with those that it does not get, and why')
    .option('--json', 'print the result as JSON')
    .action((group: string | undefined, { json }: Where) => list(context, group, json))
  skills
    .command('lint <folder...>')
    .description('look whether folders are sound skills; exit code 1 when one is not')
    .addHelpText('after', '\n  creel skills lint skills/*    names the file and what was expected')
    .option('--json', 'print the result as JSON')
    .action((folders: string[], { json }: Where) => lint(context, folders, json))
  skills
    .command('add <folder>')
    .description('copy a skill from a folder, and pin it')
    .option('--group <name>', 'for this agent alone')
    .option('--replace', 'when there is one of that name')
    .option('-y, --yes', 'let it in; without it you are only shown what it holds')
    .addHelpText(
      'after',
      `
Nothing is downloaded or run: get the folder first, read what "add" shows of it, then let it in.

  creel skills add ./tides                     what is in it
  creel skills add ./tides --group home --yes`,
    )
    .option('--json', 'print the result as JSON')
    .action(async (folder: string, options: Where & { replace?: boolean; yes?: boolean }) => {
      if (!options.yes) {
        const report = await lookAtSkill(folder)
        print(context.output, options.json, { ...report, added: false }, () =>
          [
            reportText(report),
            '',
            'Nothing was done. To let it in as it is now, run this again with --yes.',
          ].join('\n'),
        )
        return
      }
      const report = await addSkill(folder, parentOf(context, options.group), options.replace ?? false)
      print(context.output, options.json, { ...report, added: true }, () =>
        [reportText(report), '', `${report.name} is added; agents get it at their next start`].join('\n'),
      )
    })
  skills
    .command('pin <name>')
    .description('say that a skill is wanted as it is now')
    .option('--group <name>', 'the one of this agent')
    .addHelpText('after', '\n  creel skills pin tides    after you changed it, or looked at what changed')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, { group, json }: Where) => {
      const report = await pinSkill(parentOf(context, group), name)
      print(context.output, json, report, () => `${name} is pinned: ${report.sha256}`)
    })
  skills
    .command('remove <name>')
    .description('delete the folder of a skill')
    .option('--group <name>', 'the one of this agent')
    .addHelpText('after', '\n  creel skills remove tides --group home')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, { group, json }: Where) => {
      await removeSkill(parentOf(context, group), name)
      print(
        context.output,
        json,
        { removed: name },
        () => `${name} is gone; agents lose it at their next start`,
      )
    })
}

async function list(
  context: CliContext,
  wanted: string | undefined,
  json: boolean | undefined,
): Promise<void> {
  const { paths } = installOf(context)
  const [groups, folders] = [new GroupRegistry(paths), new SkillFolders(paths)]
  const names = wanted === undefined ? groups.names() : [known(groups, wanted)]
  const found = await Promise.all(
    names.map(async (group) => {
      const config = groups.load(group)
      return { group, ...(await folders.find(group, config.skills, imageParts(config))) }
    }),
  )
  print(context.output, json, found, () => {
    const rows = found.flatMap(({ group, skills, leftOut, unfit }) => [
      ...skills.map(({ name, own, description }) => [
        group,
        name,
        own ? 'its own' : 'for all',
        brief(description),
      ]),
      ...leftOut.map(({ name, problem }) => [group, name, 'LEFT OUT', problem]),
      ...unfit.map(({ name, problem }) => [group, name, 'not given', problem]),
    ])
    return rows.length === 0 ? 'no skills' : table(['agent', 'skill', 'whose', 'what for'], rows)
  })
}

async function lint(
  context: CliContext,
  folders: readonly string[],
  json: boolean | undefined,
): Promise<void> {
  const looked = await Promise.all(
    folders.map(async (folder) => {
      try {
        return { folder, problem: null, ...(await lookAtSkill(folder)) }
      } catch (error) {
        if (error instanceof CreelError) return { folder, problem: error.message }
        throw error
      }
    }),
  )
  print(context.output, json, looked, () =>
    looked
      .map((one) => (one.problem === null ? `✓ ${resolve(one.folder)}: ${one.name}` : `✗ ${one.problem}`))
      .join('\n'),
  )
  if (looked.some(({ problem }) => problem !== null)) process.exitCode = 1
}

function reportText({ name, description, sha256, files }: SkillReport): string {
  const rows = files.map(({ path, bytes, executable }) => [path, bytes, executable ? 'can be run' : ''])
  return [`${name}: ${oneLine(description)}`, `sha256 ${sha256}`, table(['file', 'bytes', ''], rows)].join(
    '\n',
  )
}

function brief(description: string): string {
  const text = oneLine(description)
  return text.length <= 70 ? text : `${text.slice(0, 69)}…`
}

function parentOf(context: CliContext, group: string | undefined): string {
  const { paths } = installOf(context)
  return group === undefined ? paths.skillsDir : paths.groupSkills(known(new GroupRegistry(paths), group))
}

function known(groups: GroupRegistry, name: string): GroupName {
  const found = groups.names().find((group) => group === name)
  if (found !== undefined) return found
  throw new CreelError('not_found', `there is no agent ${name}`, {
    hint: `expected one of: ${groups.names().join(', ') || 'none yet, see "creel group add"'}`,
  })
}
