import { CreelError } from '../../src/domain/errors.ts'
import { BY_HAND, composeFiles, startCompose, usesCompose, writeComposeFiles } from './compose-service.ts'
import type { Option, Prompter } from './prompter.ts'
import { enableUnit, type Service, serviceOf, unitState, writeUnit } from './service.ts'
import type { Outcome, SetupWorld, WizardStep } from './world.ts'

type Choice = 'systemd' | 'compose' | 'skip' | 'back'

const CHOICES: readonly Option<Choice>[] = [
  { value: 'systemd', label: 'Yes, as a service of systemd', hint: 'shown first' },
  { value: 'compose', label: 'Yes, with Docker Compose', hint: 'Creel itself in a container, without root' },
  { value: 'skip', label: 'No', hint: './creel up -d starts it' },
  { value: 'back', label: 'Back' },
]

export const serviceStep: WizardStep = {
  name: 'service',
  title: 'Starting with the machine',
  async look(world) {
    const { machine } = world.parts
    if (usesCompose(world.install())) return { done: true, text: 'Docker Compose runs it' }
    if (machine.init !== 'systemd') return { done: true, text: noSystemd(world) }
    const { isEnabled, isActive, isWritten } = await unitState(machine, serviceOf(world))
    if (isEnabled) return { done: true, text: isActive ? 'enabled, and runs' : 'enabled, but does not run' }
    return { done: false, text: isWritten ? 'written, but not enabled' : 'no' }
  },
  async interactive(world, prompter) {
    const hasSystemd = world.parts.machine.init === 'systemd'
    if (!hasSystemd) prompter.note(this.title, [noSystemd(world), ...WITHOUT])
    const choice = await prompter.select(
      'Should Creel start with the machine?',
      CHOICES.filter(({ value }) => hasSystemd || value !== 'systemd'),
    )
    if (choice === 'back') return 'back'
    if (choice === 'skip') return 'skipped'
    return choice === 'compose' ? askCompose(world, prompter) : askSystemd(world, prompter)
  },
  async unattended(world, answers) {
    const { service: asked } = answers
    if (asked === undefined) return
    if (asked.kind === 'compose') {
      const files = await composeFiles(world)
      writeComposeFiles(files)
      world.say(`wrote ${files.env.path} and ${files.override.path}`)
      if (asked.enable) await startCompose(world)
      else world.say(`to start it: ${BY_HAND}`)
      return
    }
    if (world.parts.machine.init !== 'systemd')
      throw new CreelError('unavailable', noSystemd(world), { hint: WITHOUT.join(' ') })
    const service = serviceOf(world)
    writeUnit(service)
    world.say(`wrote ${service.path}`)
    if (asked.enable) await enableUnit(world, service)
    else world.say(`to enable it: ${byHand(service)}`)
  },
}

const WITHOUT = [
  './creel up -d starts it in the background; another service manager runs ./creel serve.',
  'Docker Compose can run it in a container of its own.',
]
const LINGER = 'so that it runs without you logged in: loginctl enable-linger'

async function askSystemd(world: SetupWorld, prompter: Prompter): Promise<Outcome> {
  const service = serviceOf(world)
  prompter.note(service.path, service.text.trimEnd().split('\n'))
  if (!(await prompter.confirm('Write this file?', true))) return 'skipped'
  writeUnit(service)
  if (await prompter.confirm('Enable and start it now?', true)) await enableUnit(world, service)
  else world.say(`written; to enable it: ${byHand(service)}`)
  if (service.scope === 'user') world.say(LINGER)
  return 'done'
}

async function askCompose(world: SetupWorld, prompter: Prompter): Promise<Outcome> {
  const files = await composeFiles(world)
  const lines = Object.entries(files.env.values).map(([name, value]) => `${name}=${value}`)
  prompter.note(files.env.path, lines)
  prompter.note(files.override.path, files.override.text.trimEnd().split('\n'))
  if (!(await prompter.confirm('Write these two files?', true))) return 'skipped'
  writeComposeFiles(files)
  if (await prompter.confirm('Build and start it now? It takes minutes the first time.', true))
    await startCompose(world)
  else world.say(`written; to start it: ${BY_HAND}`)
  return 'done'
}

function noSystemd(world: SetupWorld): string {
  return `no systemd runs here (process 1 is ${world.parts.machine.init || 'unknown'})`
}

function byHand({ scope }: Service): string {
  const user = scope === 'user' ? ' --user' : ''
  return `systemctl${user} daemon-reload && systemctl${user} enable --now creel.service`
}
