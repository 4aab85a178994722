import { describe, expect, test } from 'vitest'
import { GARDEN, HostTables, KITCHEN } from '../../test/rig/host-tables.ts'
import { GroupConfig } from '../config/schema.ts'
import { ConfigError } from '../domain/errors.ts'
import { isHeldBack, turnBudget } from './turn-budget.ts'

const MINUTE = 60_000

class BudgetWorld extends HostTables {
  limits: object = {}
  broken = false

  get ports() {
    const { dispatches, usage, clock } = this
    const load = () => {
      if (this.broken) throw new ConfigError('container.json', ['limits: wrong'])
      return GroupConfig.parse({ concurrency: 4, limits: this.limits })
    }
    return { groups: { load }, dispatches, usage, clock, timezone: 'UTC' }
  }

  budget(group = GARDEN) {
    return turnBudget(group, this.ports)
  }

  /** A message that is in the inbox, and begun, and done at this price. */
  turn(seq: number, costUsd: number | null = null): void {
    this.place(GARDEN, seq)
    const counts = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 }
    this.outboxes.record(
      GARDEN,
      {
        cursor: this.outboxes.cursor(GARDEN) + 1,
        accepted: [{ inboxSeq: seq, attempt: 1 }],
        deliveries: [],
        settled: [{ inboxSeq: seq, outcome: 'done', reason: null }],
        rejected: 0,
        usage: [{ outboxSeq: seq, inboxSeq: seq, provider: 'p', model: 'm', ...counts, costUsd }],
      },
      this.clock.now(),
    )
  }
}

test('a group without bounds, or with settings that cannot be read, has room', () => {
  using world = new BudgetWorld()
  for (let seq = 1; seq <= 20; seq += 1) world.turn(seq, 100)
  expect(world.budget()).toEqual({ room: Number.POSITIVE_INFINITY })
  world.limits = { turns_per_hour: 1 }
  world.broken = true
  expect(world.budget()).toEqual({ room: Number.POSITIVE_INFINITY })
})

test('what was done while the clock was ahead counts no more once it is right', () => {
  using world = new BudgetWorld()
  world.limits = { turns_per_hour: 3, usd_per_day: 1 }
  const right = world.clock.now()
  world.clock.set(right + 90 * 24 * 60 * MINUTE)
  for (let seq = 1; seq <= 3; seq += 1) world.turn(seq, 5)
  expect(world.budget().room).toBe(0)
  world.clock.set(right)
  expect(world.budget().room).toBe(3)
})

describe('turns per hour', () => {
  test('count what was begun in the last hour and what stands in the inbox, of that group', async () => {
    using world = new BudgetWorld()
    world.limits = { turns_per_hour: 3 }
    expect(world.budget().room).toBe(3)
    world.turn(1)
    world.place(GARDEN, 2)
    world.place(KITCHEN, 1)
    expect(world.budget().room).toBe(1)
    await world.clock.advance(20 * MINUTE)
    world.turn(3)
    expect(world.budget()).toMatchObject({
      room: 0,
      bound: {
        chat: expect.stringContaining(
          'its 3 turns for this hour. Your message is kept, and answered in 40 min',
        ),
      },
    })
    expect(world.budget(KITCHEN).room).toBe(2)
    await world.clock.advance(41 * MINUTE)
    expect(world.budget().room).toBe(1)
  })
})

describe('money per day', () => {
  test('is spent until midnight', async () => {
    using world = new BudgetWorld()
    world.limits = { usd_per_day: 1 }
    world.clock.set(Date.parse('2026-11-21T10:00:00Z'))
    world.turn(1, 0.6)
    expect(world.budget()).toEqual({ room: 4 })
    world.turn(2, 0.6)
    expect(world.budget()).toMatchObject({
      room: 0,
      bound: { chat: expect.stringContaining('$1 for today') },
    })
    expect(world.budget(KITCHEN).room).toBe(4)
    await world.clock.advance(14 * 60 * MINUTE)
    expect(world.budget().room).toBe(4)
  })

  test('lets no more be under way than run at once, so that some are left when it is gone', () => {
    using world = new BudgetWorld()
    world.limits = { usd_per_day: 1 }
    for (let seq = 1; seq <= 4; seq += 1) world.place(GARDEN, seq)
    expect(world.budget()).toEqual({ room: 0 })
  })
})

test('a group whose messages all wait for its bounds is held back; one that still works is not', () => {
  using world = new BudgetWorld()
  world.limits = { turns_per_hour: 1 }
  world.give(GARDEN, 'hello')
  expect(isHeldBack(GARDEN, world.ports)).toBe(false)
  world.place(GARDEN, 1)
  expect([world.budget().room, isHeldBack(GARDEN, world.ports)]).toEqual([0, false])
  world.turn(2)
  world.settle(GARDEN, 1)
  expect([world.budget().room, isHeldBack(GARDEN, world.ports)]).toEqual([0, true])
})
