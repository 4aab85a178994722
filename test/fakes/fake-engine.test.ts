import { describe, expect, test } from 'vitest'
import { GroupConfig } from '../../src/config/schema.ts'
import { EngineUnavailableError } from '../../src/domain/errors.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import { Paths } from '../../src/paths.ts'
import { sandboxSpec, specHash } from '../../src/sandboxes/sandbox-spec.ts'
import { sandboxEngineContract } from '../contract/sandbox-engine.ts'
import { FakeEngine, type FakeEngineOptions } from './fake-engine.ts'

const clock = { now: () => 1_000 as UnixMs }
const paths = new Paths('/data', '/groups')
const garden = 'garden' as GroupName
const spec = (group: GroupName) =>
  sandboxSpec(group, GroupConfig.parse({}), paths, { image: 'creel-agent:fake', protocol: 1 })
const make = (options: Partial<FakeEngineOptions> = {}) => new FakeEngine({ clock, specHash, ...options })
const signal = new AbortController().signal

sandboxEngineContract('FakeEngine', async () => {
  const engine = make()
  return {
    engine,
    spec: async (group) => spec(group),
    ready: async (handle) => engine.print(handle.group, 'ready'),
    exit: async (handle, code) => engine.exit(handle.group, { code, oomKilled: false }),
    restarted: () => engine.restarted(),
    [Symbol.asyncDispose]: async () => undefined,
  }
})

describe('FakeEngine', () => {
  test('runs a runner in this process, stops it once and tells its exit', async () => {
    let stopped = 0
    const exited = Promise.resolve({ code: 5, oomKilled: true })
    const engine = make({ onStart: () => ({ stop: () => void stopped++, exited }) })
    const handle = await engine.start(spec(garden), signal)
    expect(await engine.wait(handle, signal)).toEqual({ code: 5, oomKilled: true })
    await engine.destroy(handle, { graceMs: 0 })
    await engine.destroy(handle, { graceMs: 0 })
    expect(stopped).toBe(1)
  })

  test('fails as told, in order, and then works', async () => {
    const engine = make()
    engine.failNext('start', new Error('first'))
    engine.failNext('start', new Error('second'))
    await expect(engine.start(spec(garden), signal)).rejects.toThrow('first')
    await expect(engine.start(spec(garden), signal)).rejects.toThrow('second')
    await engine.start(spec(garden), signal)
    engine.unavailable = true
    await expect(engine.list(signal)).rejects.toBeInstanceOf(EngineUnavailableError)
    expect(engine.calls).toEqual(['start garden', 'start garden', 'start garden', 'list'])
  })

  test('throws for overlapping calls for one group and for handles it never gave out', async () => {
    const engine = make()
    const handle = await engine.start(spec(garden), signal)
    const first = engine.pause(handle)
    await expect(engine.unpause(handle)).rejects.toThrow('overlapping')
    await first
    await expect(engine.pause({ ...handle, id: 'made-up' })).rejects.toThrow('never made')
    expect(() => engine.exit('kitchen' as GroupName, { code: 0, oomKilled: false })).toThrow('no running')
  })
})
