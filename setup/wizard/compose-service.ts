import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { hostRuns, stopHost } from '../../src/cli/detached-host.ts'
import { runCommand } from '../../src/cli/session.ts'
import type { Install } from '../../src/config/load.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { baseImage, installSocket } from '../../src/host-parts.ts'
import { replaceFile } from '../../src/replace-file.ts'
import { lastWords } from '../command.ts'
import type { Machine } from '../machine.ts'
import { untilReady } from './service.ts'
import type { SetupWorld } from './world.ts'

/** As whom docker-compose.yml runs Creel. */
const COMPOSE_UID = 1000
/** The first start builds the image of the host. */
const UP_MS = 20 * 60_000
const ASK_MS = 30_000
/** An agent image that is missing is built by then. */
const READY_MS = 10 * 60_000
const OVERRIDE = 'docker-compose.override.yml'
const MARK = '# Made by ./creel setup: the settings of this folder for the Creel of Docker Compose.\n'
/** Needs no quotes in a file of variables, whichever Compose reads it. */
const PLAIN = /^[\w./:@+-]+$/
const LOOPBACK = /^(?:localhost|127\.[\d.]+|\[::1\])$/

/** Files that make Docker Compose run Creel on the data and settings of this install. */
export interface ComposeFiles {
  /** Variables that docker-compose.yml reads. */
  readonly env: { readonly path: string; readonly values: Readonly<Record<string, string>> }
  /** What shows creel.toml to the container; null where there is no such file. */
  readonly override: { readonly path: string; readonly text: string }
}

/** Whether an earlier set-up gave Creel to Docker Compose. */
export function usesCompose(install: Install): boolean {
  const path = join(install.projectDir, OVERRIDE)
  return existsSync(path) && readFileSync(path, 'utf8').startsWith(MARK)
}

/**
 * What would be written. Throws CreelError when Compose could not work with this install: folders of another account,
 * settings that mean files or ports of this machine.
 */
export async function composeFiles(world: SetupWorld, uid = COMPOSE_UID): Promise<ComposeFiles> {
  const install = world.install()
  const { projectDir, paths, configFile, config } = install
  const path = join(projectDir, OVERRIDE)
  if (existsSync(path) && !usesCompose(install))
    throw new CreelError('conflict', `${path} is yours and is not changed`, {
      hint: 'move it away, take this step again, and put back into the new one what you need of it',
    })
  refuseSettings(install)
  const { key } = z.object({ key: z.string() }).parse(await runCommand(install, 'vault-list'))
  if (!isAbsolute(key))
    throw new CreelError('unavailable', `the master key is not in a file (${key})`, {
      hint: 'set CREEL_MASTER_KEY_FILE, or vault.key_file in creel.toml',
    })
  // The engine would make it, as root's.
  mkdirSync(dirname(key), { recursive: true, mode: 0o700 })
  refuseOwners([paths.dataDir, paths.groupsDir, dirname(key), key], uid)
  const values = {
    CREEL_DATA: paths.dataDir,
    CREEL_GROUPS: paths.groupsDir,
    CREEL_KEYS: dirname(key),
    CREEL_MASTER_KEY_FILE: `/keys/${basename(key)}`,
    CREEL_DOCKER_SOCKET: installSocket(install),
    CREEL_BASE: await baseImage(install),
    CREEL_WEB_PORT: String(config.web.port),
  }
  for (const [name, value] of Object.entries(values))
    if (!PLAIN.test(value))
      throw new CreelError('invalid', `${name}: Compose would not read ${JSON.stringify(value)} as it is`, {
        hint: 'use folders without spaces and signs in their names',
      })
  const mounts = existsSync(configFile) ? [`${configFile}:/config/creel.toml:ro`] : []
  const creel = { environment: { CREEL_CONFIG: '/config/creel.toml' }, volumes: mounts }
  // JSON is YAML, whatever stands in a path.
  const text = `${MARK}${JSON.stringify({ version: '3.8', services: { creel } }, null, 2)}\n`
  return { env: { path: join(projectDir, '.env'), values }, override: { path, text } }
}

/** Puts them in their places; other lines of `.env` stay. The same again changes nothing. */
export function writeComposeFiles({ env, override }: ComposeFiles): void {
  const before = existsSync(env.path) ? readFileSync(env.path, 'utf8').split('\n') : []
  const kept = before.filter((line) => line !== '' && !Object.hasOwn(env.values, line.split('=')[0] ?? ''))
  const lines = [...kept, ...Object.entries(env.values).map(([name, value]) => `${name}=${value}`)]
  replaceFile(env.path, `${lines.join('\n')}\n`, 0o600)
  replaceFile(override.path, override.text, 0o644)
}

/** The words that run Compose here, v2 or the older program; null where there is none. */
export async function composeProgram(machine: Machine): Promise<readonly string[] | null> {
  for (const words of [['docker', 'compose'], ['docker-compose']] as const) {
    const [program, ...args] = words
    if (!machine.has(program)) continue
    if ((await machine.run(program, [...args, 'version'], { timeoutMs: ASK_MS })).code === 0) return words
  }
  return null
}

/** What starts it, to be typed in the folder of the project. */
export const BY_HAND = './creel down && docker compose up -d --build'

/**
 * Has Compose run Creel with the files as they are. A host that runs without it is ended in order first. Safe to run
 * again. Throws CreelError.
 */
export async function startCompose(world: SetupWorld): Promise<void> {
  const { machine, steps } = world.parts
  const install = world.install()
  const words = await composeProgram(machine)
  if (words === null)
    throw new CreelError('unavailable', 'there is no Docker Compose here', {
      hint: `install it (on Debian: apt install docker-compose), then type in ${install.projectDir}: ${BY_HAND}`,
    })
  await steps.run('starting Creel with Docker Compose (minutes the first time)', async (note) => {
    const [program = '', ...args] = words
    const run = async (...more: string[]) => {
      const options = { cwd: install.projectDir, timeoutMs: UP_MS, onLine: note }
      const result = await machine.run(program, [...args, ...more], options)
      if (result.code === 0) return
      throw new CreelError(
        'unavailable',
        `${[...words, ...more].join(' ')} failed: ${lastWords(result, 5)}`,
        {
          hint: 'put right what it says, then take this step again',
        },
      )
    }
    await run('build')
    // Also one of Compose: it is to have the settings as they are now.
    if (await hostRuns(install)) {
      await run('stop', 'creel')
      if (await hostRuns(install)) await stopHost(install, quiet(world))
    }
    await run('up', '-d')
    await untilReady(world, `${words.join(' ')} logs creel`, note, READY_MS)
  })
}

function quiet({ context }: SetupWorld): SetupWorld['context'] {
  const nothing = () => undefined
  return { ...context, output: { out: nothing, err: nothing } }
}

/** What the container would not find: files of this machine, its loopback, a keyring. */
function refuseSettings({ configFile, config }: Install): void {
  const { models, vault, telegram } = config
  const files = Object.entries({ anthropic: models.anthropic, openai: models.openai }).flatMap(
    ([name, { key_file: file, base_url: url }]) => [
      ...(file === '' ? [] : [`models.${name}.key_file`]),
      ...(LOOPBACK.test(new URL(url).hostname) ? [`models.${name}.base_url`] : []),
    ],
  )
  const keyring = vault.key_command.length > 0 ? ['vault.key_command'] : []
  const tokens = telegram.some(({ token_file: file }) => file !== '') ? ['telegram.token_file'] : []
  const wrong = [...files, ...keyring, ...tokens]
  if (wrong.length === 0) return
  throw new CreelError('conflict', `${configFile}: ${wrong.join(', ')} would lead nowhere in a container`, {
    hint: 'keep keys in the vault, and name a model server by an address that other machines could use',
  })
}

function refuseOwners(places: readonly string[], wanted: number): void {
  const others = places.filter((place) => existsSync(place) && statSync(place).uid !== wanted)
  const [first] = others
  if (first === undefined) return
  const { uid } = statSync(first)
  const all = others.join(' ')
  throw new CreelError('conflict', `Compose runs Creel as uid ${wanted}, and uid ${uid} has ${all}`, {
    // What sandboxes own stays theirs.
    hint: `type: chown -R --from=${uid} ${wanted}:${wanted} ${all}, then take this step again`,
  })
}
