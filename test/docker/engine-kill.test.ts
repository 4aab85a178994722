import { afterEach, describe, expect, it } from 'vitest'
import { HostProcess } from '../rig/host-process.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'
import { PrivateEngine, whyNoPrivateEngine } from './private-engine.ts'
import { testAgentImage, whyNoEngine } from './test-image.ts'

const missing = (await whyNoEngine()) ?? whyNoPrivateEngine()
if (missing) console.error(`skipped: ${missing}`)

describe.skipIf(missing)('kill -9 of the container engine in the middle of a turn', () => {
  let engine: PrivateEngine
  let host: HostProcess

  async function begin(flags: readonly string[]): Promise<TerminalRig> {
    const image = await testAgentImage()
    engine = new PrivateEngine(flags)
    await engine.start()
    await engine.load(image)
    host = await HostProcess.make({ engineSocket: engine.socketPath })
    await host.creel('group', 'add', 'main')
    await host.start()
    return new TerminalRig(host, 'main')
  }

  afterEach(async () => {
    try {
      await host[Symbol.asyncDispose]()
    } finally {
      await engine[Symbol.asyncDispose]()
    }
  })

  it.each([
    ['that takes its containers with it', []],
    ['that leaves its containers at work', ['--live-restore']],
  ])('%s: every message is answered once, with no help', async (_what, flags) => {
    const terminal = await begin(flags)
    await terminal.say('/demo slow 6000')
    await terminal.say('second')
    await host.event('turn.accepted')
    const pid = host.pid
    await engine.kill()
    await terminal.say('while it is away')
    await host.until('the host to notice', async () => {
      const { engineProblem } = await host.call<{ engineProblem: string | null }>('status')
      return engineProblem?.includes('does not answer') ?? false
    })
    await engine.start()
    await terminal.answered('demo: while it is away')
    await terminal.say('after')
    await terminal.answered('demo: after')
    const lines = await terminal.agentLines()
    const counts = ['slow answer', 'demo: second', 'demo: while it is away', 'demo: after'].map(
      (part) => lines.filter((line) => line.includes(part)).length,
    )
    expect(counts).toEqual([1, 1, 1, 1])
    expect(lines.filter((line) => line.includes('This agent cannot work')).length).toBeLessThanOrEqual(1)
    const well = { running: true, engineProblem: null, groups: [{ problem: null, waiting: 0 }] }
    // The problem stands until the next look at the engine.
    await expect.poll(() => host.call('status'), { timeout: 60_000 }).toMatchObject(well)
    expect(host.pid).toBe(pid)
    expect(await host.containers()).toMatchObject([{ group: 'main', state: 'running' }])
  })
})
