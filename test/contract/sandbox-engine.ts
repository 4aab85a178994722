import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import type { SandboxEngine, SandboxHandle, SandboxSpec } from '../../src/domain/ports/sandbox.ts'
import { specHash } from '../../src/sandboxes/sandbox-spec.ts'

/** An engine with nothing on it, and the means to play the part of what runs inside. */
export interface EngineUnderTest extends AsyncDisposable {
  readonly engine: SandboxEngine
  /** A spec this engine can carry out; what it runs prints `ready`, stays, and ends with 0 when asked to stop. */
  spec(group: GroupName): Promise<SandboxSpec>
  /** Resolves when the sandbox has printed `ready`. */
  ready(handle: SandboxHandle): Promise<void>
  /** Makes the running sandbox end by itself. */
  exit(handle: SandboxHandle, code: number): Promise<void>
  /** The same engine as a restarted host process sees it. */
  restarted(): SandboxEngine
}

const garden = 'garden' as GroupName
const kitchen = 'kitchen' as GroupName
const signal = () => AbortSignal.timeout(30_000)

/** What every engine adapter owes. `make` is called before each test. */
export function sandboxEngineContract(name: string, make: () => Promise<EngineUnderTest>): void {
  describe(`sandbox engine contract: ${name}`, { timeout: 60_000 }, () => {
    let under: EngineUnderTest
    let engine: SandboxEngine
    const start = async (group: GroupName) => engine.start(await under.spec(group), signal())
    const states = async (of = engine) =>
      (await of.list(signal())).map((handle) => `${handle.group} ${handle.state}`).sort()

    beforeEach(async () => {
      under = await make()
      engine = under.engine
    })
    afterEach(() => under[Symbol.asyncDispose]())

    test('tells its version', async () => {
      const info = await engine.check(signal())
      expect(info.apiVersion).toMatch(/^\d+\.\d+$/)
      expect(Array.isArray(info.warnings)).toBe(true)
    })

    test('starts, lists and destroys', async () => {
      expect(await states()).toEqual([])
      const spec = await under.spec(garden)
      const handle = await engine.start(spec, signal())
      expect(handle).toMatchObject({ group: garden, state: 'running', protocol: spec.protocol })
      expect(handle.specHash).toBe(specHash(spec))
      expect((await engine.list(signal()))[0]).toMatchObject({
        group: garden,
        id: handle.id,
        state: 'running',
        protocol: spec.protocol,
        specHash: handle.specHash,
      })
      await engine.destroy(handle, { graceMs: 0 })
      expect(await states()).toEqual([])
    })

    test('destroy asks first, and twice is once', async () => {
      const handle = await start(garden)
      await under.ready(handle)
      const exit = engine.wait(handle, signal())
      await engine.destroy(handle, { graceMs: 10_000 })
      expect((await exit)?.oomKilled).toBe(false)
      await engine.destroy(handle, { graceMs: 10_000 })
      await engine.destroy(handle, { graceMs: 0 })
      expect(await states()).toEqual([])
    })

    test('destroys a paused sandbox', async () => {
      const handle = await start(garden)
      await engine.pause(handle)
      await engine.destroy(handle, { graceMs: 1_000 })
      expect(await states()).toEqual([])
    })

    test('wait tells the exit code to everybody who asks, also afterwards', async () => {
      const handle = await start(garden)
      await under.ready(handle)
      const both = Promise.all([engine.wait(handle, signal()), engine.wait(handle, signal())])
      await under.exit(handle, 7)
      expect(await both).toEqual([
        { code: 7, oomKilled: false },
        { code: 7, oomKilled: false },
      ])
      expect(await engine.wait(handle, signal())).toEqual({ code: 7, oomKilled: false })
      expect(await states()).toEqual(['garden exited'])
    })

    test('wait for a sandbox that is gone is null', async () => {
      const handle = await start(garden)
      await engine.destroy(handle, { graceMs: 0 })
      expect(await engine.wait(handle, signal())).toBeNull()
    })

    test('wait ends with the reason of its signal', async () => {
      const handle = await start(garden)
      const stop = new AbortController()
      const waiting = engine.wait(handle, stop.signal)
      const reason = new Error('enough')
      stop.abort(reason)
      await expect(waiting).rejects.toBe(reason)
    })

    test('pause and unpause are idempotent, also on what has exited or gone', async () => {
      const handle = await start(garden)
      await under.ready(handle)
      await engine.unpause(handle)
      expect(await states()).toEqual(['garden running'])
      await engine.pause(handle)
      await engine.pause(handle)
      expect(await states()).toEqual(['garden paused'])
      await engine.unpause(handle)
      await engine.unpause(handle)
      expect(await states()).toEqual(['garden running'])
      await under.exit(handle, 0)
      await engine.wait(handle, signal())
      await engine.pause(handle)
      await engine.unpause(handle)
      await engine.destroy(handle, { graceMs: 0 })
      await engine.pause(handle)
      await engine.unpause(handle)
      expect(await states()).toEqual([])
    })

    test('start replaces a leftover of the same group, running or not, and no other', async () => {
      const other = await start(kitchen)
      const first = await start(garden)
      const second = await start(garden)
      await under.ready(second)
      await under.exit(second, 1)
      const third = await start(garden)
      expect(new Set([first.id, second.id, third.id]).size).toBe(3)
      expect(await states()).toEqual(['garden running', 'kitchen running'])
      expect(await engine.wait(first, signal())).toBeNull()
      expect((await engine.list(signal())).map((handle) => handle.id).sort()).toEqual(
        [other.id, third.id].sort(),
      )
    })

    test('a start that was given up leaves nothing', async () => {
      const spec = await under.spec(garden)
      const stop = new AbortController()
      stop.abort(new Error('never mind'))
      await expect(engine.start(spec, stop.signal)).rejects.toThrow('never mind')
      expect(await states()).toEqual([])
    })

    test('a restarted host finds its sandboxes and can await and destroy them', async () => {
      const handle = await start(garden)
      await under.ready(handle)
      await engine.pause(await start(kitchen))
      const next = under.restarted()
      expect(await states(next)).toEqual(['garden running', 'kitchen paused'])
      const adopted = (await next.list(signal())).find((found) => found.group === garden)
      if (!adopted) throw new Error('not adopted')
      expect(adopted.specHash).toBe(handle.specHash)
      const exit = next.wait(adopted, signal())
      await under.exit(adopted, 3)
      expect(await exit).toEqual({ code: 3, oomKilled: false })
      await next.destroy(adopted, { graceMs: 0 })
      expect(await states(next)).toEqual(['kitchen paused'])
    })

    test('shows the last lines of the output, and none of what is gone', async () => {
      const handle = await start(garden)
      await under.ready(handle)
      expect(await engine.logs(handle, 1)).toBe('ready\n')
      await engine.destroy(handle, { graceMs: 0 })
      expect(await engine.logs(handle, 1)).toBe('')
    })
  })
}
