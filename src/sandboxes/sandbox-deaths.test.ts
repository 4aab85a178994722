import { describe, expect, test } from 'vitest'
import { GARDEN } from '../../test/rig/host-tables.ts'
import { inWorld } from '../../test/rig/supervisor-world.ts'

describe('a sandbox that dies with work to do', () => {
  test('the first death is answered at once, the next ones after growing waits, and a settled message ends it', () =>
    inWorld(async (world) => {
      const seq = world.mail()
      await world.clock.settled()
      const die = async () => {
        world.engine.exit(GARDEN, { code: 3, oomKilled: false })
        await world.clock.settled()
      }
      await die()
      expect(world.state()).toBe('awake')
      expect(world.problem()).toBeNull()
      await die()
      expect(world.state()).toBe('asleep')
      expect(world.problem()).toContain('exit code 3')
      await world.clock.advance(499)
      expect(world.state()).toBe('asleep')
      await world.clock.advance(1)
      expect(world.state()).toBe('awake')
      expect(new Set(world.told).size).toBe(1)
      world.done(seq)
      await world.clock.settled()
      expect(world.problem()).toBeNull()
      world.mail()
      await world.clock.settled()
      await die()
      expect(world.state()).toBe('awake')
    }))

  test('a queue of messages that each kill the sandbox is worked off more and more slowly; an answer ends that', () =>
    inWorld(async (world) => {
      const seqs = Array.from({ length: 20 }, () => world.mail())
      const good = world.mail()
      await world.clock.settled()
      const starts = () => world.calls('start').length
      const minute = async () => {
        for (let s = 0; s < 60; s += 1) {
          if (world.state() === 'awake') world.engine.exit(GARDEN, { code: 3, oomKilled: false })
          await world.clock.settled()
          // What the runner does at its start with a message that it died of three times.
          if (starts() % 3 === 0 && world.state() === 'awake') world.done(seqs.shift() ?? 0)
          await world.clock.advance(1_000)
        }
      }
      await minute()
      expect(starts()).toBeGreaterThan(5)
      expect(starts()).toBeLessThan(12)
      const before = starts()
      await minute()
      expect(starts() - before).toBeLessThan(3)
      expect(world.problem()).toContain('exit code 3')
      for (const seq of seqs) world.done(seq)
      await world.clock.advance(75_000)
      expect(world.state()).toBe('awake')
      world.done(good)
      await world.clock.settled()
      expect(world.problem()).toBeNull()
      world.mail()
      await world.clock.settled()
      world.engine.exit(GARDEN, { code: 3, oomKilled: false })
      await world.clock.settled()
      expect(world.state()).toBe('awake')
    }))

  test('deaths before any message could be placed back off too', () =>
    inWorld(async (world) => {
      world.give(GARDEN, 'not placed: its inbox is locked')
      for (let n = 0; n < 3; n += 1) {
        await world.clock.advance(60_000)
        if (world.state() === 'awake') world.engine.exit(GARDEN, { code: 1, oomKilled: false })
        await world.clock.settled()
      }
      expect(world.state()).toBe('asleep')
      expect(world.problem()).toContain('exit code 1')
    }))
})
