import { CreelError } from '../../src/domain/errors.ts'
import { enableUnit, type Service, serviceOf, unitState, writeUnit } from './service.ts'
import type { SetupWorld, WizardStep } from './world.ts'

export const serviceStep: WizardStep = {
  name: 'service',
  title: 'Starting with the machine',
  async look(world) {
    const { machine } = world.parts
    if (machine.init !== 'systemd') return { done: true, text: noSystemd(world) }
    const { isEnabled, isActive, isWritten } = await unitState(machine, serviceOf(world))
    if (isEnabled) return { done: true, text: isActive ? 'enabled, and runs' : 'enabled, but does not run' }
    return { done: false, text: isWritten ? 'written, but not enabled' : 'no' }
  },
  async interactive(world, prompter) {
    if (world.parts.machine.init !== 'systemd') {
      prompter.note(this.title, [noSystemd(world), ...WITHOUT])
      return prompter.select('No service is made here', [
        { value: 'skipped', label: 'Go on' },
        { value: 'back', label: 'Back' },
      ])
    }
    const choice = await prompter.select('Should Creel start with the machine?', [
      { value: 'systemd', label: 'Yes, as a service of systemd', hint: 'shown first' },
      { value: 'skip', label: 'No', hint: './creel up -d starts it' },
      { value: 'back', label: 'Back' },
    ])
    if (choice === 'back') return 'back'
    if (choice === 'skip') return 'skipped'
    const service = serviceOf(world)
    prompter.note(service.path, service.text.trimEnd().split('\n'))
    if (!(await prompter.confirm('Write this file?', true))) return 'skipped'
    writeUnit(service)
    if (await prompter.confirm('Enable and start it now?', true)) await enableUnit(world, service)
    else world.say(`written; to enable it: ${byHand(service)}`)
    if (service.scope === 'user') world.say(LINGER)
    return 'done'
  },
  async unattended(world, answers) {
    const { service: asked } = answers
    if (asked === undefined) return
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
  './creel up -d starts it in the background.',
  'Another service manager runs ./creel serve. Docker Compose has data and keys',
  'of its own: docker compose up -d.',
]
const LINGER = 'so that it runs without you logged in: loginctl enable-linger'

function noSystemd(world: SetupWorld): string {
  return `no systemd runs here (process 1 is ${world.parts.machine.init || 'unknown'}), so no service is made`
}

function byHand({ scope }: Service): string {
  const user = scope === 'user' ? ' --user' : ''
  return `systemctl${user} daemon-reload && systemctl${user} enable --now creel.service`
}
