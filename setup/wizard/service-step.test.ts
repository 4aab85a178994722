import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkService } from '../../src/cli/doctor-service.ts'
import { FakeMachine, type FakeMachineScript } from '../../test/fakes/fake-machine.ts'
import { type Script, ScriptedPrompter } from '../../test/fakes/scripted-prompter.ts'
import { SetupRig } from '../../test/rig/setup-world.ts'
import { SetupAnswers } from './answers.ts'
import { unitPath, unitText } from './service-unit.ts'
import { setUpUnattended, setUpWithQuestions } from './setup.ts'

let rig: SetupRig
let unit: string
let hosts: Server[]
beforeEach(() => {
  rig = new SetupRig()
  rig.cli.env.XDG_CONFIG_HOME = join(rig.cli.folder, 'config')
  unit = join(rig.cli.folder, 'config', 'systemd', 'user', 'creel.service')
  hosts = []
})
afterEach(async () => {
  for (const host of hosts) await new Promise((done) => host.close(done))
  rig[Symbol.dispose]()
})

/** What systemd starts: something that answers at the control socket. */
function startHost(): void {
  mkdirSync(rig.cli.dataDir, { recursive: true })
  const host = createServer((_request, response) => response.end('{"ok":true,"result":{}}'))
  host.listen(join(rig.cli.dataDir, 'control.sock'))
  hosts.push(host)
}

const systemd = (change: Partial<FakeMachineScript> = {}): FakeMachineScript => ({
  uid: 1000,
  init: 'systemd',
  commands: {
    'systemctl --user daemon-reload': () => ({}),
    'systemctl --user is-': () => ({ code: 3 }),
    'systemctl --user enable --now creel.service': () => {
      startHost()
      return {}
    },
  },
  ...change,
})
async function ask(script: Script, machine: FakeMachineScript) {
  const [world, prompter] = [rig.world({}, machine), new ScriptedPrompter(script)]
  await setUpWithQuestions(world, prompter, ['service'])
  expect(prompter.left).toBe(0)
  return { prompter, lines: world.parts.machine instanceof FakeMachine ? world.parts.machine.lines : [] }
}

describe('a service of systemd', () => {
  it('is shown, written, and enabled with consent', async () => {
    const { prompter, lines } = await ask(
      [
        ['start with the machine', 'systemd'],
        ['Write this file', true],
        ['Enable and start', true],
      ],
      systemd(),
    )
    expect(prompter.notes[0]).toContain(unit)
    expect(prompter.notes[0]).toContain('ExecStart=')
    expect(readFileSync(unit, 'utf8')).toContain(`Environment="CREEL_CONFIG=${rig.cli.tomlFile}"`)
    expect(lines).toEqual(['systemctl --user daemon-reload', 'systemctl --user enable --now creel.service'])
    expect(rig.text).toContain('enable-linger')
  })

  it('is not written, and not enabled, without', async () => {
    const no = await ask(
      [
        ['start with the machine', 'systemd'],
        ['Write this file', false],
      ],
      systemd(),
    )
    expect(existsSync(unit)).toBe(false)
    const half = await ask(
      [
        ['start with the machine', 'systemd'],
        ['Write this file', true],
        ['Enable and start', false],
      ],
      systemd(),
    )
    expect(existsSync(unit)).toBe(true)
    expect([...no.lines, ...half.lines]).toEqual([])
    expect(rig.text).toContain(
      'systemctl --user daemon-reload && systemctl --user enable --now creel.service',
    )
  })

  it('that systemd refuses says why, and can be tried again', async () => {
    const commands = { 'systemctl --user daemon-reload': () => ({ code: 1, stderr: 'No medium found' }) }
    await ask(
      [
        ['start with the machine', 'systemd'],
        ['Write this file', true],
        ['Enable and start', true],
        ['did not work out', 'again'],
        ['start with the machine', 'skip'],
      ],
      systemd({ commands }),
    )
    expect(rig.text).toContain('systemctl --user daemon-reload failed (1): No medium found')
  })

  it('may be told beforehand', async () => {
    const answers = SetupAnswers.parse({ trip: false, service: { kind: 'systemd' } })
    await setUpUnattended(rig.world({}, systemd()), answers, ['service'])
    expect(existsSync(unit)).toBe(true)
    const world = rig.world({}, { init: 'sh' })
    await expect(setUpUnattended(world, answers, ['service'])).rejects.toThrow('process 1 is sh')
  })
})

describe('the text of a unit', () => {
  it('keeps what is in a value from being more than a value', () => {
    const environment = { CREEL_CONFIG: '/a b/100%/"x"\\' }
    const text = unitText({ scope: 'system', projectDir: '/opt/my creel', node: '/n/node', environment })
    expect(text).toContain('ExecStart="/opt/my creel/creel" serve\n')
    expect(text).toContain('Environment="CREEL_CONFIG=/a b/100%%/\\"x\\"\\\\"\n')
    expect(text).toContain('WantedBy=multi-user.target')
    expect(unitPath('system', '')).toBe('/etc/systemd/system/creel.service')
  })
})

describe('doctor looks at the service', () => {
  const state = (enabled: number, active: number) =>
    new FakeMachine(
      systemd({
        commands: {
          'systemctl --user is-enabled creel.service': () => ({ code: enabled }),
          'systemctl --user is-active creel.service': () => ({ code: active }),
        },
      }),
    )

  it.each([
    ['ok', 0, 0],
    ['problem', 0, 3],
    ['warning', 1, 3],
  ])('and finds %s', async (level, enabled, active) => {
    const install = rig.world().install()
    expect(await checkService(install, state(enabled, active))).toMatchObject([{ level: 'ok' }])
    mkdirSync(join(unit, '..'), { recursive: true })
    writeFileSync(unit, '')
    expect(await checkService(install, state(enabled, active))).toMatchObject([{ level }])
    expect(await checkService(install, new FakeMachine())).toEqual([
      { check: 'service', level: 'ok', text: 'no systemd here' },
    ])
  })
})
