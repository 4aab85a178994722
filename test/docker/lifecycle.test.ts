import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HostProcess } from '../rig/host-process.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'
import { testAgentImage, whyNoEngine } from './test-image.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

let host: HostProcess
let terminal: TerminalRig

async function begin(toml = ''): Promise<void> {
  host = await HostProcess.make({ toml })
  await host.creel('group', 'add', 'main')
  await host.start()
  terminal = new TerminalRig(host, 'main')
}

const times = (lines: readonly string[], part: string) => lines.filter((line) => line.includes(part)).length

describe.skipIf(missing)('the life of a host and its sandboxes', () => {
  beforeEach(async () => {
    await testAgentImage()
  })
  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  it('down lets a running turn end, delivers its answer, and leaves no container', async () => {
    await begin()
    await terminal.say('/demo slow 3000')
    await host.event('turn.accepted')
    const printed = await host.creel('down')
    expect(printed).toBe('stopped\n')
    expect(times(await terminal.agentLines(), 'slow answer')).toBe(1)
    expect(await host.containers()).toEqual([])
    expect(existsSync(host.socketPath)).toBe(false)
    await host.ended()
  })

  it('down hands back a turn that is too long; the next host begins it again and answers once', async () => {
    await begin()
    await terminal.say('/demo slow 18000')
    await host.event('turn.accepted')
    // Not by a process of its own, which may take longer to start than the turn has left.
    await host.call('down')
    await host.ended()
    expect(await terminal.agentLines()).toEqual([])
    expect(await host.containers()).toEqual([])
    await host.start()
    await terminal.answered('slow answer')
    await terminal.say('after')
    await terminal.answered('demo: after')
    expect(times(await terminal.agentLines(), 'slow answer')).toBe(1)
  })

  it('SIGTERM leaves sandboxes at work, and the next host adopts them', async () => {
    await begin()
    await terminal.say('/demo slow 4000')
    await host.event('turn.accepted')
    const before = await host.containers()
    await host.terminate()
    expect(await host.containers()).toEqual(before)
    await host.start()
    await host.event('sandbox.adopted')
    await terminal.answered('slow answer')
    expect(times(await terminal.agentLines(), 'slow answer')).toBe(1)
    expect(host.log().filter(({ event }) => event === 'sandbox.started')).toHaveLength(1)
  })

  it('an upgraded host lets the turn of an old sandbox end, answers it once, and replaces the sandbox', async () => {
    await begin()
    await terminal.say('/demo slow 4000')
    await host.event('turn.accepted')
    const [before] = await host.containers()
    await host.terminate()
    // What a new version changes of a sandbox is seen as this is: by the hash of what it is made from.
    host.env({ TZ: 'Asia/Tokyo' })
    await host.start()
    await host.event('sandbox.adopted')
    await terminal.answered('slow answer')
    await host.event('sandbox.stopped', ({ why }) => why === 'its settings changed')
    await terminal.say('after')
    await terminal.answered('demo: after')
    expect(times(await terminal.agentLines(), 'slow answer')).toBe(1)
    expect(host.log().filter(({ event }) => event === 'turn.accepted')).toMatchObject([
      { attempt: 1 },
      { attempt: 1 },
    ])
    const after = await host.containers()
    expect(after).toMatchObject([{ group: 'main', state: 'running' }])
    expect(after[0]?.id).not.toBe(before?.id)
  })

  it('a machine that loses power, and comes back: what was under way is begun again and answered once', async () => {
    await begin()
    await terminal.say('/demo slow 3000')
    await terminal.say('second')
    await host.event('turn.accepted')
    await Promise.all([host.kill(), host.killContainer('main')])
    // What was running is gone, what was on disk is there: also all that processes left behind them.
    expect(existsSync(host.socketPath)).toBe(true)
    await host.start()
    await terminal.answered('slow answer')
    await terminal.answered('demo: second')
    const lines = await terminal.agentLines()
    expect([times(lines, 'slow answer'), times(lines, 'demo: second')]).toEqual([1, 1])
    expect(await host.containers()).toMatchObject([{ group: 'main', state: 'running' }])
  })

  it('the sandbox of an agent that was removed while no host ran is gone with the next one', async () => {
    await begin()
    await host.creel('group', 'add', 'other')
    await terminal.say('hello')
    await terminal.answered('demo: hello')
    await host.terminate()
    expect(await host.containers()).toHaveLength(1)
    await host.creel('group', 'remove', 'main')
    await host.start()
    await host.until('the sandbox to be gone', async () => (await host.containers()).length === 0)
  })

  it('what a turn leaves running and dies does not pile up as zombies', async () => {
    await begin()
    await terminal.say(
      '/demo shell for n in $(seq 50); do (sleep 0.2 & exec true) & done; wait; sleep 1; echo reaped',
    )
    await terminal.answered('reaped')
    const [container] = await host.containers()
    const left = await host.processes(container?.id ?? '')
    expect(left).toContain('node')
    expect(left).not.toMatch(/defunct|sleep/)
  })

  it('an idle sandbox is paused; a message wakes it and is answered', async () => {
    await begin('[limits]\npause_after_s = 1\n')
    await terminal.say('first')
    await terminal.answered('demo: first')
    await host.event('sandbox.paused')
    const [paused] = await host.containers()
    expect(paused?.state).toBe('paused')
    await terminal.say('second')
    await terminal.answered('demo: second')
    await host.event('sandbox.unpaused')
    expect((await host.containers()).map(({ id }) => id)).toEqual([paused?.id])
  })

  it('a sandbox that is idle for long is stopped; a message starts another', async () => {
    await begin('[limits]\npause_after_s = 1\nstop_after_s = 2\n')
    await terminal.say('first')
    await terminal.answered('demo: first')
    await host.event('sandbox.stopped', ({ why }) => why === 'idle')
    expect(await host.containers()).toEqual([])
    await terminal.say('second')
    await terminal.answered('demo: second')
  })

  it('changed settings replace the sandbox, at once when it is idle', async () => {
    await begin()
    await terminal.say('first')
    await terminal.answered('demo: first')
    const [before] = await host.containers()
    const file = join(host.groupsDir, 'main', 'container.json')
    writeFileSync(file, JSON.stringify({ provider: 'demo', limits: { memory_mb: 300 } }))
    await host.event('sandbox.stopped', ({ why }) => why === 'its settings changed')
    await terminal.say('second')
    await terminal.answered('demo: second')
    const [after] = await host.containers()
    expect(after?.id).not.toBe(before?.id)
    expect(await host.memoryLimit(after?.id ?? '')).toBe(300 * 1024 ** 2)
  })

  it('group remove stops the sandbox, keeps the folder, and others go on', async () => {
    await begin()
    await host.creel('group', 'add', 'other')
    const other = new TerminalRig(host, 'other')
    await terminal.say('/demo shell echo kept > kept.txt')
    await host.event('turn.settled')
    await other.say('first')
    await other.answered('demo: first')
    const printed = await host.creel('group', 'remove', 'main', '--json')
    const { movedTo } = JSON.parse(printed) as { movedTo: string }
    await host.event('sandbox.stopped', ({ why }) => why === 'the group is gone')
    expect((await host.containers()).map(({ group }) => group)).toEqual(['other'])
    expect(readFileSync(join(movedTo, 'workspace', 'kept.txt'), 'utf8')).toBe('kept\n')
    await expect(terminal.say('anybody?')).rejects.toThrow('there is no group main')
    await other.say('second')
    await other.answered('demo: second')
  })

  it('a group made anew under an old name begins with nothing of the old one in its chat', async () => {
    await begin()
    await terminal.say('/demo shell echo kept > ~/kept.txt')
    await host.event('turn.settled')
    await terminal.say('first')
    await terminal.answered('demo: first')
    await host.creel('group', 'remove', 'main')
    await host.event('sandbox.stopped', ({ why }) => why === 'the group is gone')
    await host.creel('group', 'add', 'main')
    await terminal.say('/demo shell test -e ~/kept.txt || echo begins anew')
    await terminal.answered('begins anew')
    await terminal.say('second')
    await terminal.answered('demo: second')
    expect(times(await terminal.agentLines(), 'demo: first')).toBe(1)
  })

  it('two installs run side by side and end one by one', async () => {
    await begin()
    const there = await HostProcess.make()
    try {
      await there.creel('group', 'add', 'main')
      await there.start()
      const neighbour = new TerminalRig(there, 'main')
      await Promise.all([terminal.say('here'), neighbour.say('there')])
      await Promise.all([terminal.answered('demo: here'), neighbour.answered('demo: there')])
      expect(times(await terminal.agentLines(), 'demo: there')).toBe(0)
      await host.creel('down')
      expect(await host.containers()).toEqual([])
      await neighbour.say('still there')
      await neighbour.answered('demo: still there')
      expect(await there.containers()).toMatchObject([{ group: 'main', state: 'running' }])
    } finally {
      await there[Symbol.asyncDispose]()
    }
  })
})

describe.skipIf(missing)('creel chat', () => {
  beforeEach(async () => {
    await testAgentImage()
    await begin()
  })
  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  it('-m prints every line of the answer, and nothing of earlier ones', async () => {
    expect(await host.creel('chat', '-m', 'hello')).toContain('demo: hello')
    expect(await host.creel('chat', 'main', '-m', '/demo many 3')).toBe(
      'demo: 1 of 3\ndemo: 2 of 3\ndemo: 3 of 3\n',
    )
  })

  it('-m ends when the agent has nothing to say, and fails for no agent', async () => {
    expect(await host.creel('chat', 'main', '-m', '/demo silent')).toBe('')
    const { code, stderr } = await host.creelFails('chat', 'nobody', '-m', 'hello')
    expect(code).toBe(1)
    expect(stderr).toContain('there is no group nobody')
  })

  it('answers each line of what is piped into it, then ends', async () => {
    const printed = await host.creelWithInput('one\n\ntwo\n/demo many 2\n', 'chat')
    expect(printed.match(/^demo: \S+( of 2)?/gm)).toEqual([
      'demo: one',
      'demo: two',
      'demo: 1 of 2',
      'demo: 2 of 2',
    ])
  })
})
