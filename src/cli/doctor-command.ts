import { existsSync } from 'node:fs'
import { INSTRUCTION_BYTES } from '@creel/protocol'
import type { Command } from 'commander'
import { thisMachine } from '../../setup/machine.ts'
import { thisMachinesFacts } from '../../setup/machine-facts.ts'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { hasImage } from '../adapters/docker/agent-image.ts'
import { DockerEngine } from '../adapters/docker/docker-engine.ts'
import { engineClient } from '../adapters/docker/engine-client.ts'
import { GroupRegistry } from '../adapters/groups/group-registry.ts'
import { SkillFolders } from '../adapters/skills/skill-folders.ts'
import { checkHostDb } from '../adapters/sqlite/snapshot.ts'
import type { Install } from '../config/load.ts'
import type { GroupConfig } from '../config/schema.ts'
import { ConfigError, CreelError, errorText } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import { imageParts } from '../domain/skill.ts'
import { expectedAgentImage, installSocket } from '../host-parts.ts'
import { specHash } from '../sandboxes/sandbox-spec.ts'
import { type CliContext, installOf } from './context.ts'
import { hostRuns } from './detached-host.ts'
import { checkEgress } from './doctor-egress.ts'
import { checkHost } from './doctor-host.ts'
import { checkLive } from './doctor-live.ts'
import { checkMachine } from './doctor-machine.ts'
import { checkPackages } from './doctor-packages.ts'
import { checkPeople } from './doctor-people.ts'
import { checkService } from './doctor-service.ts'
import { checkTasks } from './doctor-tasks.ts'
import { checkVault } from './doctor-vault.ts'
import { checkVoice } from './doctor-voice.ts'
import { type Finding, findingText, ok } from './finding.ts'
import { imagesInUse } from './images-in-use.ts'
import { print } from './output.ts'
import { runCommand } from './session.ts'

type Check = (install: Install) => Promise<Finding[]>

export function addDoctorCommand(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('look for what is wrong with this install and say what to do')
    .option('--live', 'try keys and bots with real calls, too')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Looks at settings, container engine, agent image, machine (memory, disk, port, firewall, clock), database, each agent,
its skills, the vault, and what transcribes voice messages; changes nothing.
Exit code 0 when there is no problem (warnings are allowed), 1 otherwise.`,
    )
    .action(async (options: { json?: boolean; live?: boolean }) => {
      const install = installOf(context)
      if (!options.json)
        context.output.err('looking: engine, machine, image, database, people, agents, vault')
      const findings: Finding[] = [
        ok('settings', existsSync(install.configFile) ? install.configFile : 'defaults (no creel.toml)'),
      ]
      for (const [name, check] of CHECKS) findings.push(...(await guarded(name, () => check(install))))
      const ofData = options.live ? [...DATA_CHECKS, ['live', checkLive] as const] : DATA_CHECKS
      if (isUntouched(install)) findings.push(NOTHING_YET)
      else for (const [name, check] of ofData) findings.push(...(await guarded(name, () => check(install))))
      print(context.output, options.json, findings, () => findings.map(findingText).join('\n'))
      if (findings.some((finding) => finding.level === 'problem')) process.exitCode = 1
    })
}

const CHECKS: readonly (readonly [string, Check])[] = [
  ['node', async () => [ok('node', process.version)]],
  ['engine', checkEngine],
  ['machine', checkThisMachine],
  ['service', (install) => checkService(install, thisMachine())],
]

/** They open the database, which would make one where there is none yet. */
const DATA_CHECKS: readonly (readonly [string, Check])[] = [
  ['agent image', checkImage],
  ['database', checkDatabase],
  ['host', checkHost],
  ['people', checkPeople],
  ['agents', checkGroups],
  ['skills', checkSkills],
  ['packages', checkPackages],
  ['vault', checkVault],
  ['egress', checkEgress],
  ['tasks', checkTasks],
  ['voice', checkVoice],
]

const NOTHING_YET: Finding = {
  ...{ check: 'agents', level: 'warning', text: 'nothing is set up here yet' },
  hint: './creel setup, or ./creel up',
}

function isUntouched({ paths }: Install): boolean {
  return !existsSync(paths.hostDb) && new GroupRegistry(paths).names().length === 0
}

async function guarded(name: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    const hint = error instanceof CreelError ? error.hint : undefined
    return [
      { check: name, level: 'problem', text: errorText(error), ...(hint === undefined ? {} : { hint }) },
    ]
  }
}

async function checkEngine(install: Install): Promise<Finding[]> {
  const { runtime } = install.config.engine
  const engine = new DockerEngine({
    socketPath: installSocket(install),
    installId: 'doctor',
    specHash,
    clock: systemClock,
    ...(runtime ? { runtime } : {}),
  })
  const info = await engine.check(AbortSignal.timeout(10_000))
  return [
    ok('engine', `${info.version} (API ${info.apiVersion})`),
    ...info.warnings.map((text): Finding => ({ check: 'engine', level: 'warning', text })),
  ]
}

async function checkImage(install: Install): Promise<Finding[]> {
  const tags = await Promise.all(imagesInUse(install).map((wanted) => expectedAgentImage(install, wanted)))
  const docker = engineClient(installSocket(install))
  const look = async (tag: string): Promise<Finding> =>
    (await hasImage(docker, tag, AbortSignal.timeout(10_000)))
      ? ok('agent image', tag)
      : { check: 'agent image', level: 'problem', text: `${tag} is missing`, hint: './creel up builds it' }
  return Promise.all([...new Set(tags)].map(look))
}

async function checkThisMachine(install: Install): Promise<Finding[]> {
  return checkMachine(install, thisMachinesFacts(), await hostRuns(install))
}

async function checkDatabase(install: Install): Promise<Finding[]> {
  if (!existsSync(install.paths.hostDb)) return [ok('database', 'not made yet')]
  // Read beside the host: a look at every page of a large file must not hold it up.
  const database = checkHostDb(install.paths.hostDb)
  if (database === 'ok') return [ok('database', 'sound')]
  return [
    {
      check: 'database',
      level: 'problem',
      text: database,
      hint: './creel down, then ./creel restore a backup',
    },
  ]
}

async function checkGroups(install: Install): Promise<Finding[]> {
  const groups = (await runCommand(install, 'group-list')) as { group: string; problem: string | null }[]
  if (groups.length === 0) {
    return [{ check: 'agents', level: 'warning', text: 'none yet', hint: './creel group add main' }]
  }
  return groups.map(({ group, problem }) =>
    problem === null
      ? ok(`agent ${group}`, 'ready')
      : { check: `agent ${group}`, level: 'problem', text: problem },
  )
}

/** Skills that an agent was given and does not get; a broken container.json is found above. */
async function checkSkills({ paths }: Install): Promise<Finding[]> {
  const [groups, skills] = [new GroupRegistry(paths), new SkillFolders(paths)]
  const sets = groups.names().map(async (group): Promise<Finding[]> => {
    const config = configOf(groups, group)
    if (config === null) return []
    const { skills: found, leftOut } = await skills.find(group, config.skills, imageParts(config))
    const warnings = leftOut.map(({ name, problem }): Finding => {
      const hint = 'mend it, or take it out of the folder or of "skills" in container.json'
      return { check: `skills of ${group}`, level: 'warning', text: `${name} is left out: ${problem}`, hint }
    })
    const names = found.map(({ name }) => name).join(', ') || 'none'
    return [ok(`skills of ${group}`, names), ...warnings, ...longInstructions(groups, group, config.provider)]
  })
  return (await Promise.all(sets)).flat()
}

/** Creel's own words come on top, so a file of nearly this size is cut as well; the agent's log tells then. */
function longInstructions(groups: GroupRegistry, group: GroupName, provider: string): Finding[] {
  const { text, ofBytes } = groups.instructions(group)
  const bytes = ofBytes ?? Buffer.byteLength(text)
  const limit = Object.entries(INSTRUCTION_BYTES).find(([name]) => name === provider)?.[1]
  if (limit === undefined || bytes <= limit) return []
  const said = `AGENTS.md has ${bytes} bytes, and ${provider} takes ${limit} in all: its end is left out`
  return [{ check: `instructions of ${group}`, level: 'warning', text: said, hint: 'make it shorter' }]
}

function configOf(groups: GroupRegistry, group: GroupName): GroupConfig | null {
  try {
    return groups.load(group)
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
