import { describe, expect, test } from 'vitest'
import { GARDEN, KITCHEN } from '../../test/rig/host-tables.ts'
import { group, inWorld, type SupervisorWorld } from '../../test/rig/supervisor-world.ts'
import type { GroupName } from '../domain/ids.ts'

describe('room for a few sandboxes only', () => {
  const awake = (world: SupervisorWorld, names: GroupName[]) =>
    names.filter((name) => world.state(name) === 'awake')

  test('a burst starts no more than may run, and the rest in the order they came', () =>
    inWorld(
      async (world) => {
        const names = [1, 2, 3, 4, 5].map(group)
        for (const name of names) world.groups.configs.set(name, {})
        const seqs = names.map((name) => world.mail(name))
        await world.clock.settled()
        expect(awake(world, names)).toEqual(names.slice(0, 2))
        for (let n = 0; n < 4; n += 1) {
          await world.live(1, ...names)
          expect(awake(world, names)).toHaveLength(2)
        }
        world.done(seqs[0] ?? 0, group(1))
        await world.live(1, ...names)
        expect(awake(world, names)).toEqual([group(2), group(3)])
        world.done(seqs[1] ?? 0, group(2))
        world.done(seqs[2] ?? 0, group(3))
        await world.live(1, ...names)
        expect(awake(world, names)).toEqual([group(4), group(5)])
        expect(world.calls('start').map((call) => call.slice(6))).toEqual(names)
      },
      { max_running: 2 },
    ))

  test('makes room by pausing whoever has been idle the longest', () =>
    inWorld(
      async (world) => {
        const names = [1, 2, 3].map(group)
        for (const name of names) world.groups.configs.set(name, {})
        world.done(world.mail(group(1)), group(1))
        for (const name of [group(2), group(1)]) {
          const seq = world.mail(name)
          await world.clock.advance(2_000)
          world.done(seq, name)
        }
        await world.clock.settled()
        world.mail(group(3))
        await world.clock.settled()
        expect(awake(world, names)).toEqual([group(1), group(3)])
        expect(world.state(group(2))).toBe('paused')
      },
      { max_running: 2 },
    ))

  test('waking a paused sandbox needs room as well', () =>
    inWorld(
      async (world) => {
        const seq = world.mail(GARDEN)
        await world.clock.settled()
        world.done(seq, GARDEN)
        await world.clock.settled()
        const busy = world.mail(KITCHEN)
        await world.clock.settled()
        expect([world.state(GARDEN), world.state(KITCHEN)]).toEqual(['paused', 'awake'])
        world.mail(GARDEN)
        await world.live(3, KITCHEN)
        expect([world.state(GARDEN), world.state(KITCHEN)]).toEqual(['paused', 'awake'])
        world.done(busy, KITCHEN)
        await world.clock.settled()
        expect([world.state(GARDEN), world.state(KITCHEN)]).toEqual(['awake', 'paused'])
      },
      { max_running: 1 },
    ))

  test('a group that cannot start does not stand in the way of those behind it', () =>
    inWorld(
      async (world) => {
        const seq = world.mail(KITCHEN)
        await world.clock.settled()
        world.mail(GARDEN)
        world.groups.configs.set(group(3), {})
        await world.live(1, KITCHEN)
        world.mail(group(3))
        world.groups.configs.set(GARDEN, 'broken')
        await world.live(1, KITCHEN)
        world.done(seq, KITCHEN)
        await world.live(3)
        expect(world.state(group(3))).toBe('awake')
      },
      { max_running: 1 },
    ))
})
