import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { hostRuns, stopHost } from '../../src/cli/detached-host.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { replaceFile } from '../../src/replace-file.ts'
import { lastWords } from '../command.ts'
import type { Machine } from '../machine.ts'
import { type ServiceScope, UNIT_NAME, unitPath, unitText } from './service-unit.ts'
import type { SetupWorld } from './world.ts'

const COMMAND_MS = 60_000
const READY_MS = 60_000
const LOOK_MS = 200
/** Settings that come from variables must be the same for the service; without HOME it would not find the master key. */
const PASSED =
  /^(?:CREEL_(?!NODE$).+|DOCKER_HOST|NODE_EXTRA_CA_CERTS|NPM_CONFIG_REGISTRY|HOME|XDG_CONFIG_HOME|TZ)$/

/** Where the unit of this account is. */
export interface ServicePlace {
  readonly scope: ServiceScope
  readonly path: string
}

/** And what it says. */
export interface Service extends ServicePlace {
  readonly text: string
}

/** Throws CreelError where the account has no folder for settings. */
export function servicePlace(machine: Machine, configHome: string | undefined): ServicePlace {
  const scope = machine.uid === 0 ? 'system' : 'user'
  if (configHome === undefined && scope === 'user')
    throw new CreelError('unavailable', 'this account has no home folder for a unit', { hint: 'set HOME' })
  return { scope, path: unitPath(scope, configHome ?? '') }
}

export function serviceOf(world: SetupWorld): Service {
  const { projectDir, env } = world.context
  const place = servicePlace(world.parts.machine, world.install().env.configHome)
  const passed = Object.entries(env).flatMap(([name, value]) =>
    PASSED.test(name) && value ? [[name, value]] : [],
  )
  const environment: Record<string, string> = Object.fromEntries(passed)
  return { ...place, text: unitText({ scope: place.scope, projectDir, node: process.execPath, environment }) }
}

/** How a unit stands, as systemctl says it. */
export interface UnitState {
  readonly isWritten: boolean
  readonly isEnabled: boolean
  readonly isActive: boolean
}

/** Where no systemd runs nothing is enabled. Changes nothing. */
export async function unitState(machine: Machine, { scope, path }: ServicePlace): Promise<UnitState> {
  const isWritten = existsSync(path)
  if (!isWritten || machine.init !== 'systemd') return { isWritten, isEnabled: false, isActive: false }
  const asked = async (verb: string) => (await systemctl(machine, scope, verb, UNIT_NAME)).code === 0
  return { isWritten, isEnabled: await asked('is-enabled'), isActive: await asked('is-active') }
}

/** Puts the unit in its place. Atomic; the same again changes nothing. */
export function writeUnit({ path, text }: Service): void {
  mkdirSync(dirname(path), { recursive: true })
  replaceFile(path, text, 0o644)
}

/** Has systemd start it now and with the machine. A host that runs already is ended in order first. Throws CreelError. */
export async function enableUnit(world: SetupWorld, service: Service): Promise<void> {
  const { machine, steps } = world.parts
  await steps.run('enabling the service', async (note) => {
    await must(machine, service.scope, 'daemon-reload')
    if (await hostRuns(world.install())) {
      note('ending the Creel that runs')
      await stopHost(world.install(), silent(world))
    }
    await must(machine, service.scope, 'enable', '--now', UNIT_NAME)
    await untilReady(world, journal(service), note)
  })
}

/** Starts the host through its service. */
export async function startUnit(
  world: SetupWorld,
  service: Service,
  note: (text: string) => void,
): Promise<void> {
  await must(world.parts.machine, service.scope, 'start', UNIT_NAME)
  await untilReady(world, journal(service), note)
}

/** Waits until the host that somebody else starts takes messages; `logs` is the command that shows why it does not. */
export async function untilReady(
  world: SetupWorld,
  logs: string,
  note: (text: string) => void,
  limitMs = READY_MS,
): Promise<void> {
  const deadline = systemClock.now() + limitMs
  note('waiting until it takes messages')
  while (!(await hostRuns(world.install()))) {
    if (systemClock.now() > deadline)
      throw new CreelError('timeout', `the service does not take messages after ${limitMs / 1_000} s`, {
        hint: `${logs} shows why`,
      })
    await systemClock.sleep(LOOK_MS, world.context.signal)
  }
}

function journal({ scope }: ServicePlace): string {
  return `journalctl ${scope === 'user' ? '--user ' : ''}-u ${UNIT_NAME}`
}

function systemctl(machine: Machine, scope: ServiceScope, ...words: string[]) {
  const flags = scope === 'user' ? ['--user'] : []
  return machine.run('systemctl', [...flags, ...words], { timeoutMs: COMMAND_MS })
}

async function must(machine: Machine, scope: ServiceScope, ...words: string[]): Promise<void> {
  const result = await systemctl(machine, scope, ...words)
  if (result.code === 0) return
  const command = `systemctl ${scope === 'user' ? '--user ' : ''}${words.join(' ')}`
  throw new CreelError('unavailable', `${command} failed (${result.code}): ${lastWords(result, 3)}`, {
    hint: 'put right what it says, then take this step again',
  })
}

function silent(world: SetupWorld): SetupWorld['context'] {
  const nothing = () => undefined
  return { ...world.context, output: { out: nothing, err: nothing } }
}
