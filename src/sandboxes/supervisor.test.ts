import { describe, expect, test } from 'vitest'
import { GARDEN, KITCHEN } from '../../test/rig/host-tables.ts'
import { inWorld } from '../../test/rig/supervisor-world.ts'
import { EngineUnavailableError } from '../domain/errors.ts'
import type { SandboxHandle } from '../domain/ports/sandbox.ts'

describe('life of a sandbox', () => {
  test('lets a sandbox rest whose messages all wait for a bound of its group, until they need not', () =>
    inWorld(async (world) => {
      world.heldBack = true
      const seq = world.mail()
      await world.clock.advance(5_000)
      expect(world.state()).toBe('asleep')
      world.heldBack = false
      await world.clock.advance(5_000)
      expect(world.state()).toBe('awake')
      world.done(seq)
    }))

  test('starts with mail, pauses and stops when idle, wakes for mail', () =>
    inWorld(async (world) => {
      await world.clock.advance(5_000)
      expect(world.state()).toBe('asleep')
      const seq = world.mail()
      await world.clock.settled()
      expect(world.state()).toBe('awake')
      world.done(seq)
      await world.clock.advance(58_000)
      expect(world.state()).toBe('awake')
      await world.clock.advance(4_000)
      expect(world.state()).toBe('paused')
      const next = world.mail()
      await world.clock.settled()
      expect(world.state()).toBe('awake')
      world.done(next)
      await world.clock.advance(1_799_000)
      expect(world.state()).toBe('paused')
      await world.clock.advance(3_000)
      expect(world.state()).toBe('asleep')
      expect(world.calls('start')).toEqual(['start garden'])
      expect(world.calls('unpause')).toEqual(['unpause garden'])
    }))

  test("a group's own idle times come before the install's", () =>
    inWorld(async (world) => {
      world.groups.configs.set(GARDEN, { idle: { pause_after_s: 3, stop_after_s: 6 } })
      world.done(world.mail())
      world.done(world.mail())
      world.mail(KITCHEN)
      const seq = world.mail()
      await world.clock.settled()
      world.done(seq)
      await world.clock.advance(5_000)
      expect(world.state()).toBe('paused')
      await world.clock.advance(3_000)
      expect(world.state()).toBe('asleep')
    }))

  test('a restarted host adopts what runs and starts nothing again', () =>
    inWorld(async (world) => {
      const seq = world.mail()
      await world.clock.settled()
      await world.restart()
      await world.live(5, GARDEN)
      expect(world.state()).toBe('awake')
      expect(world.calls('start')).toEqual([])
      expect(world.calls('destroy')).toEqual([])
      world.done(seq)
      await world.clock.advance(62_000)
      expect(world.state()).toBe('paused')
    }))

  test('one that ended while no host ran is cleared away, and another is started', () =>
    inWorld(async (world) => {
      world.mail()
      await world.clock.settled()
      await world.end()
      world.engine.exit(GARDEN, { code: 1, oomKilled: false })
      await world.restart()
      await world.clock.advance(1_000)
      expect(world.calls('destroy')).toEqual(['destroy garden'])
      expect(world.calls('start')).toEqual(['start garden'])
      expect(world.state()).toBe('awake')
    }))

  test('is killed and begun again without a heartbeat, not with one', () =>
    inWorld(async (world) => {
      world.mail()
      await world.live(120, GARDEN)
      expect(world.calls('destroy')).toEqual([])
      await world.clock.advance(63_000)
      expect(world.calls('destroy')).toEqual(['destroy garden'])
      expect(world.calls('start')).toEqual(['start garden', 'start garden'])
    }))

  test('is replaced when its settings or the protocol changed, between turns', () =>
    inWorld(async (world) => {
      const seq = world.mail()
      await world.clock.settled()
      const accepted = [{ inboxSeq: seq, attempt: 1 }]
      const none = { deliveries: [], settled: [], rejected: 0 }
      world.outboxes.record(GARDEN, { ...none, cursor: 1, accepted }, world.clock.now())
      const isCurrent = () => world.supervisor.isCurrent(GARDEN, new AbortController().signal)
      expect(await isCurrent()).toBe(true)
      world.groups.configs.set(GARDEN, { limits: { memory_mb: 4096 } })
      expect(await isCurrent()).toBe(false)
      await world.live(5, GARDEN)
      expect(world.calls('start')).toHaveLength(1)
      world.done(seq)
      // To be asked is to be looked at.
      expect(await isCurrent()).toBe(false)
      await world.clock.settled()
      expect(world.state()).toBe('asleep')
      expect(await isCurrent()).toBe(true)
      world.mail()
      await world.clock.settled()
      world.protocol = 2
      await world.clock.advance(1_000)
      expect(world.calls('start')).toHaveLength(3)
    }))

  test('ends when the folder of its group is gone; who waits hears of it', () =>
    inWorld(async (world) => {
      const seq = world.mail()
      await world.clock.settled()
      world.groups.configs.delete(GARDEN)
      await world.clock.advance(1_000)
      expect(world.state()).toBe('asleep')
      expect(world.problem()).toContain('is gone')
      world.done(seq)
      await world.clock.advance(60_000)
      expect(world.problem()).toBeNull()
      expect(world.calls('start')).toEqual(['start garden'])
    }))
})

describe('trouble', () => {
  test('a sandbox that ran out of memory says what to raise', () =>
    inWorld(async (world) => {
      world.mail()
      await world.clock.settled()
      for (let n = 0; n < 2; n += 1) {
        world.engine.exit(GARDEN, { code: 137, oomKilled: true })
        await world.clock.settled()
      }
      expect(world.problem()).toContain('limits.memory_mb')
    }))

  test('a bad container.json stops that group alone, until it is mended', () =>
    inWorld(async (world) => {
      world.groups.configs.set(GARDEN, 'concurrency: expected number, got "many"')
      world.mail()
      world.mail(KITCHEN)
      await world.clock.settled()
      expect(world.problem()).toContain('concurrency: expected number')
      expect([world.state(), world.state(KITCHEN)]).toEqual(['asleep', 'awake'])
      expect(world.problem(KITCHEN)).toBeNull()
      world.groups.configs.set(GARDEN, {})
      await world.clock.advance(30_000)
      expect([world.state(), world.problem()]).toEqual(['awake', null])
    }))

  test('while the engine is away, whoever waits is told, and work begins when it is back', () =>
    inWorld(async (world) => {
      world.engine.unavailable = true
      world.mail()
      await world.clock.advance(20_000)
      expect(world.problem()).toContain('unavailable')
      // The other one has nothing to do: it is not its problem.
      expect(world.problem(KITCHEN)).toBeNull()
      expect(new Set(world.told).size).toBe(1)
      world.engine.unavailable = false
      await world.clock.advance(30_000)
      expect([world.state(), world.problem()]).toEqual(['awake', null])
    }))

  test('an engine that goes away and comes back keeps its sandboxes', () =>
    inWorld(async (world) => {
      world.mail()
      await world.clock.settled()
      world.engine.unavailable = true
      world.mail(KITCHEN)
      await world.live(5, GARDEN)
      world.engine.unavailable = false
      await world.live(35, GARDEN, KITCHEN)
      expect([world.state(), world.state(KITCHEN)]).toEqual(['awake', 'awake'])
      expect(world.calls('start garden')).toHaveLength(1)
      world.engine.exit(GARDEN, { code: 1, oomKilled: false })
      await world.clock.settled()
      expect(world.calls('start garden')).toHaveLength(2)
    }))

  test('a dead sandbox that cannot be removed holds up its own group only', () =>
    inWorld(async (world) => {
      world.mail()
      await world.clock.settled()
      await world.end()
      world.engine.exit(GARDEN, { code: 1, oomKilled: false })
      world.engine.failNext('destroy', new Error('device busy'))
      world.mail(KITCHEN)
      const failing = world.engine.restarted()
      failing.failNext('destroy', new Error('device busy'))
      world.engine = failing
      world.engine.restarted = () => failing
      await world.restart()
      await world.clock.settled()
      expect(world.state(KITCHEN)).toBe('awake')
    }))
})

describe('a listing that is older than what was done meanwhile', () => {
  test('neither forgets a fresh sandbox nor brings back a stopped one', () =>
    inWorld(async (world) => {
      const slow = world.engine
      const list = slow.list.bind(slow)
      let answer: () => void = () => undefined
      await world.supervisor.refresh(new AbortController().signal)
      slow.list = async (signal: AbortSignal): Promise<readonly SandboxHandle[]> => {
        const handles = await list(signal)
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        return handles
      }
      const signal = new AbortController().signal
      const early = world.supervisor.refresh(signal)
      await world.clock.settled()
      const seq = world.mail()
      await world.clock.settled()
      expect(world.state()).toBe('awake')
      answer()
      await early
      expect(world.state()).toBe('awake')
      const watches = world.calls('wait').length
      const late = world.supervisor.refresh(signal)
      await world.clock.settled()
      world.done(seq)
      world.groups.configs.delete(GARDEN)
      await world.clock.advance(1_000)
      expect(world.state()).toBe('asleep')
      answer()
      await late
      expect(world.state()).toBe('asleep')
      expect(world.calls('wait')).toHaveLength(watches)
    }))
})

test('stopAll ends every sandbox, even when one cannot be ended', () =>
  inWorld(async (world) => {
    world.mail(GARDEN)
    world.mail(KITCHEN)
    await world.clock.settled()
    await world.pump.stop(0)
    world.engine.failNext('destroy', new EngineUnavailableError('gone'))
    await world.supervisor.stopAll()
    expect(world.calls('destroy')).toHaveLength(2)
    expect([world.state(GARDEN), world.state(KITCHEN)]).toEqual(['awake', 'asleep'])
  }))
