import { describe, expect, it } from 'vitest'
import { ANSWERS, FakeMachine, type FakeMachineScript } from '../test/fakes/fake-machine.ts'
import { ensureEngine } from './engine.ts'

const SOCKET = '/var/run/docker.sock'
const APT_INSTALL =
  'env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker.io iptables'

function ensure(
  script: FakeMachineScript,
  options: { yes?: boolean; answer?: boolean; socket?: string } = {},
) {
  const machine = new FakeMachine(script)
  const asked: string[] = []
  const done = ensureEngine({
    machine,
    socket: options.socket ?? SOCKET,
    dataDir: '/data',
    consent: {
      yes: options.yes ?? false,
      interactive: options.answer !== undefined,
      ask: async (question) => {
        asked.push(question)
        return options.answer ?? false
      },
    },
    log: () => undefined,
  })
  return { machine, asked, done }
}

const comesUp = (machine: FakeMachine) => {
  machine.engine = ANSWERS
  return {}
}
const installs = (machine: FakeMachine) => {
  machine.programs.add('dockerd')
  return {}
}

describe('ensureEngine with an engine that is there', () => {
  it('uses it and touches nothing', async () => {
    const { machine, done } = ensure({ ping: ANSWERS })
    expect(await done).toEqual({ socket: SOCKET, started: false })
    expect(machine.lines).toEqual([])
  })

  it('says which version is needed when it is too old', async () => {
    const { done } = ensure({ ping: { state: 'answers', apiVersion: '1.40' } })
    await expect(done).rejects.toThrow('speaks API 1.40, expected 1.41 or later')
  })

  it('accepts a newer major version', async () => {
    expect((await ensure({ ping: { state: 'answers', apiVersion: '2.0' } }).done).started).toBe(false)
  })

  it('says how to get permission', async () => {
    const { done } = ensure({ uid: 1000, ping: { state: 'denied' } })
    await expect(done).rejects.toMatchObject({ hint: expect.stringContaining('usermod -aG docker') })
  })

  it('does not start a second one beside one that misbehaves', async () => {
    const { machine, done } = ensure({
      ping: { state: 'broken', why: 'it answers 500' },
      programs: ['dockerd'],
    })
    await expect(done).rejects.toThrow('it answers 500')
    expect(machine.lines).toEqual([])
  })
})

describe('ensureEngine with an engine that is installed but does not run', () => {
  it('starts it by systemd where that is process 1', async () => {
    const { machine, done } = ensure({
      init: 'systemd',
      programs: ['dockerd'],
      commands: { 'systemctl start docker': comesUp },
    })
    expect((await done).started).toBe(true)
    expect(machine.lines).toEqual(['systemctl start docker'])
  })

  it('starts it by sudo for a user who needs no password', async () => {
    const { machine, done } = ensure({
      uid: 1000,
      programs: ['dockerd', 'sudo'],
      files: ['/etc/init.d/docker'],
      commands: { 'sudo -n true': () => ({}), 'sudo -n service docker start': comesUp },
    })
    expect((await done).started).toBe(true)
    expect(machine.lines.at(-1)).toBe('sudo -n service docker start')
  })

  it('starts it by hand where the service does not work, and waits until it answers', async () => {
    const { machine, done } = ensure({
      programs: ['dockerd'],
      files: ['/etc/init.d/docker'],
      commands: { 'service docker start': () => ({ code: 1, stderr: 'unrecognized' }) },
      onDetached: comesUp,
    })
    expect((await done).started).toBe(true)
    expect(machine.lines.at(-1)).toBe(
      `dockerd --host unix://${SOCKET} --pidfile /data/engine/dockerd.pid > /data/engine/dockerd.log`,
    )
  })

  it('gives up after a minute with the end of the log', async () => {
    const { machine, done } = ensure({ programs: ['dockerd'], onDetached: () => undefined })
    await expect(done).rejects.toMatchObject({ hint: expect.stringContaining('last words of the log') })
    expect(machine.slept).toBe(60_000)
  })

  it('tells a user without rights what to type', async () => {
    const { done } = ensure({ uid: 1000, programs: ['dockerd'] })
    await expect(done).rejects.toMatchObject({ hint: 'type: sudo service docker start' })
  })

  it('leaves a socket alone that is not Docker’s usual one', async () => {
    const { done } = ensure({ programs: ['dockerd'] }, { socket: '/home/me/podman.sock' })
    await expect(done).rejects.toThrow('/home/me/podman.sock')
  })
})

describe('ensureEngine without an engine', () => {
  const debian: FakeMachineScript = {
    programs: ['apt-get'],
    commands: {
      'env DEBIAN_FRONTEND=noninteractive apt-get update': () => ({}),
      [APT_INSTALL]: installs,
    },
    onDetached: comesUp,
  }

  it('installs and starts Docker with --yes, without asking', async () => {
    const { machine, asked, done } = ensure(debian, { yes: true })
    expect((await done).started).toBe(true)
    expect(asked).toEqual([])
    expect(machine.lines.slice(0, 2)).toEqual([
      'env DEBIAN_FRONTEND=noninteractive apt-get update',
      APT_INSTALL,
    ])
  })

  it('asks at a terminal, and installs on yes', async () => {
    const { asked, done } = ensure(debian, { answer: true })
    expect((await done).started).toBe(true)
    expect(asked).toEqual([expect.stringContaining('docker.io, iptables')])
  })

  it('changes nothing on no', async () => {
    const { machine, done } = ensure(debian, { answer: false })
    await expect(done).rejects.toMatchObject({ hint: expect.stringContaining('apt-get install') })
    expect(machine.lines).toEqual([])
  })

  it('changes nothing when nobody can be asked', async () => {
    const { machine, done } = ensure(debian)
    await expect(done).rejects.toMatchObject({ hint: expect.stringContaining('--yes') })
    expect(machine.lines).toEqual([])
  })

  it('gives a user without rights the two commands', async () => {
    const { done } = ensure({ uid: 1000, programs: ['apt-get'] }, { yes: true })
    await expect(done).rejects.toMatchObject({
      hint: 'type: sudo apt-get update && sudo apt-get install -y --no-install-recommends docker.io iptables',
    })
  })

  it('shows what apt said when it fails, and works when run again', async () => {
    const failing = { ...debian, commands: { env: () => ({ code: 100, stderr: 'E: no network' }) } }
    await expect(ensure(failing, { yes: true }).done).rejects.toThrow('E: no network')
    expect((await ensure(debian, { yes: true }).done).started).toBe(true)
  })

  it('uses the engine that the package has started itself', async () => {
    const started = (machine: FakeMachine) => ({ ...installs(machine), ...comesUp(machine) })
    const { machine, done } = ensure(
      { ...debian, commands: { ...debian.commands, [APT_INSTALL]: started } },
      { yes: true },
    )
    expect((await done).started).toBe(true)
    expect(machine.lines).toHaveLength(2)
  })

  it.each(['darwin', 'win32'] as const)('says what to install on %s', async (platform) => {
    const { done } = ensure({ platform }, { yes: true })
    await expect(done).rejects.toMatchObject({ hint: expect.stringContaining('Docker Desktop') })
  })

  it('says what to install on a Linux without apt', async () => {
    await expect(ensure({}, { yes: true }).done).rejects.toMatchObject({
      hint: expect.stringContaining('docs.docker.com'),
    })
  })
})
