import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HostProcess } from '../rig/host-process.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'
import { testAgentImage } from './test-image.ts'

let host: HostProcess
let terminal: TerminalRig

beforeEach(async () => {
  await testAgentImage()
  host = await HostProcess.make()
  await host.creel('group', 'add', 'main')
  await host.start()
  terminal = new TerminalRig(host, 'main')
})

afterEach(async () => {
  await host[Symbol.asyncDispose]()
})

const SLOW = '/demo slow 3000'
const slowAnswers = (lines: readonly string[]) => lines.filter((line) => line.includes('slow answer'))

describe('kill -9', () => {
  it('of the host in the middle of a turn: the turn goes on and is answered once', async () => {
    await terminal.say(SLOW)
    await host.event('turn.accepted')
    const [before] = await host.containers()
    await host.kill()
    await host.start()
    await host.event('sandbox.adopted')
    await host.event('turn.settled')
    await terminal.say('after')
    await terminal.answered('demo: after')
    expect(slowAnswers(await terminal.agentLines())).toHaveLength(1)
    expect((await host.containers()).map(({ id }) => id)).toEqual([before?.id])
  })

  it('of the container in the middle of a turn: the turn is begun again and answered once', async () => {
    await terminal.say(SLOW)
    await terminal.say('after')
    await host.event('turn.accepted')
    await host.killContainer('main')
    await host.event('sandbox.exited')
    await terminal.answered('demo: after')
    const lines = await terminal.agentLines()
    expect(slowAnswers(lines)).toHaveLength(1)
    expect(lines.filter((line) => line.includes('demo: after'))).toHaveLength(1)
    expect(
      host.log().filter(({ event, attempt }) => event === 'turn.accepted' && attempt === 2),
    ).toHaveLength(1)
  })

  it('of the host again and again while messages come: each is answered once, in order', async () => {
    for (let round = 0; round < 6; round++) {
      await terminal.say(`round ${round} a`)
      await terminal.say(`round ${round} b`)
      if (round % 2 === 0) await host.event('turn.accepted')
      await host.kill()
      await host.start()
    }
    await terminal.answered('demo: round 5 b')
    const echoes = (await terminal.agentLines()).flatMap(
      (line) => /demo: (round \d [ab])/.exec(line)?.[1] ?? [],
    )
    expect(echoes).toEqual([0, 1, 2, 3, 4, 5].flatMap((n) => [`round ${n} a`, `round ${n} b`]))
  })

  it('a message that kills its runner each time is given up with a reason, and others go on', async () => {
    await terminal.say('/demo crash')
    await terminal.say('after')
    await terminal.answered('demo: after')
    await host.event('turn.settled', ({ outcome }) => outcome === 'failed')
    expect((await terminal.agentLines()).some((line) => line.includes('/demo crash'))).toBe(false)
  })
})
