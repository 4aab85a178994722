import { describe, expect, test } from 'vitest'
import { GARDEN, OWNER } from '../../test/rig/host-tables.ts'
import { RoutingWorld } from '../../test/rig/routing-world.ts'
import { SqliteTurnLog } from '../adapters/sqlite/turn-log.ts'
import type { UserId } from '../domain/ids.ts'
import { BoundedMap } from './bounded-map.ts'
import { type Bucket, takeFrom } from './rate-limit.ts'

const id = 1 as Parameters<typeof takeFrom>[3]
const MINUTE = 60_000

/** Says so many, evenly over `ms`; returns how many were refused. */
function say(count: number, ms: number, perMinute: number, bucket: Bucket | null = null) {
  let refused = 0
  let now: Bucket | null = bucket
  const start = bucket?.at ?? 0
  for (let n = 0; n < count; n += 1) {
    now = takeFrom(now, perMinute, start + (n * ms) / count, id)
    if (now.refusedFrom !== null) refused += 1
  }
  return { refused, bucket: now as Bucket }
}

describe('a bucket', () => {
  test('gives a minute at once, and as much each minute after it', () => {
    expect(say(60, 0, 60).refused).toBe(0)
    expect(say(61, 0, 60).refused).toBe(1)
    expect(say(600, 10 * MINUTE, 60).refused).toBe(0)
  })

  test('refuses a flood until it is calm, however long that takes', () => {
    const flood = say(1_200, 10 * MINUTE, 60)
    expect(flood.refused).toBeGreaterThan(1_000)
    expect(takeFrom(flood.bucket, 60, flood.bucket.at + 20_000, id).refusedFrom).not.toBeNull()
    expect(takeFrom(flood.bucket, 60, flood.bucket.at + 31_000, id).refusedFrom).toBeNull()
  })

  test('a clock that is set back begins anew, and messages out of order win nothing', () => {
    const { bucket } = say(60, 0, 60, { tokens: 60, at: 10 * MINUTE, refusedFrom: null })
    expect(takeFrom(bucket, 60, 10 * MINUTE - 30_000, id)).toMatchObject({ tokens: 0, at: 10 * MINUTE })
    const back = takeFrom(bucket, 60, 5 * MINUTE, id)
    expect(back.at).toBe(5 * MINUTE)
    expect(takeFrom(back, 60, 5 * MINUTE + 31_000, id).refusedFrom).toBeNull()
  })
})

describe('floods on the tables', () => {
  const limits = { sender_per_minute: 10, chat_per_minute: 30 }
  const from = (n: number) => ({ sender: { id: `fake:p${n}` as UserId, name: `P${n}`, isBot: false } })

  function flooded(): RoutingWorld {
    const world = new RoutingWorld({ limits, chats: { queue_bound: 0 } })
    world.bind(world.room(), GARDEN)
    return world
  }

  test('what is beyond the bound is on record with its reason, and the chat is told once', async () => {
    using world = flooded()
    for (let n = 1; n <= 40; n += 1) world.comes(`flood ${n}`)
    world.route()
    expect(world.count({ aside: null })).toBe(10)
    expect(world.count({ aside: 'rate', outcome: 'cancelled' })).toBe(30)
    expect(world.said()).toHaveLength(1)
    expect(world.said()[0]).toContain('More than 10 messages a minute came from one person')
    await world.clock.advance(60_000)
    world.comes('calm again')
    world.route()
    expect(world.fates().at(-1)).toMatchObject({ text: 'calm again', aside: null, outcome: null })
    expect(world.said()).toHaveLength(1)
  })

  test('a flood goes on over a restart of the host, and is not told of again', async () => {
    using world = flooded()
    for (let n = 1; n <= 20; n += 1) world.comes(`flood ${n}`)
    world.route()
    world.restart()
    for (let n = 1; n <= 20; n += 1) world.comes(`more ${n}`)
    world.route()
    expect(world.count({ aside: null })).toBe(10)
    expect(world.said()).toHaveLength(1)
  })

  test('what was too old counts no more after a restart than before', async () => {
    using world = new RoutingWorld({ limits, chats: { queue_bound: 0, catch_up_max_age_h: 2 } })
    world.bind(world.room(), GARDEN)
    world.comes('before')
    world.route()
    // What waited at its platform comes slowly, then at once.
    await world.clock.advance(300 * MINUTE)
    world.comes('old', {}, 300 * MINUTE)
    for (let n = 1; n <= 11; n += 1) {
      await world.clock.advance(0.9 * MINUTE)
      world.comes(`old ${n}`, {}, (300 - 10 * n) * MINUTE)
    }
    for (let n = 1; n <= 12; n += 1) world.comes(`much ${n}`, {}, 180 * MINUTE)
    await world.clock.advance(0.2 * MINUTE)
    world.route()
    expect(world.count({ aside: 'old' })).toBe(24)
    world.restart()
    world.comes('not too old', {}, 180 * MINUTE)
    world.route()
    expect(world.fates().at(-1)).toMatchObject({ text: 'not too old', aside: null })
  })

  test('one person does not use up what others have, but all together have a bound', async () => {
    using world = flooded()
    for (let n = 1; n <= 30; n += 1) world.comes(`flood ${n}`, from(1))
    for (let n = 1; n <= 10; n += 1) world.comes(`quiet ${n}`, from(2))
    world.route()
    expect(world.count({ aside: 'rate' })).toBe(20)
    for (let n = 1; n <= 20; n += 1) world.comes(`crowd ${n}`, from(10 + n))
    world.route()
    expect(world.count({ aside: 'rate' })).toBe(30)
    expect(world.said()).toHaveLength(2)
    expect(world.said()[1]).toContain('in this chat')
  })

  test('owners are not bound, and what is only overheard does not count', async () => {
    using world = flooded()
    world.roles.grant(OWNER, 'owner', null, world.clock.now())
    for (let n = 1; n <= 50; n += 1)
      world.comes(`word ${n}`, { sender: { id: OWNER, name: 'Olga', isBot: false } })
    world.route()
    expect(world.count({ aside: 'rate' })).toBe(0)
    using quiet = flooded()
    quiet.bind(quiet.room(), GARDEN, { engage: 'mention' })
    for (let n = 1; n <= 50; n += 1) quiet.comes(`talk ${n}`)
    quiet.comes('@bot hello', { mentionsUs: true })
    quiet.route()
    expect(quiet.count({ aside: 'rate' })).toBe(0)
    expect(quiet.count({ state: 'heard' })).toBe(50)
  })

  test('what was said over hours and comes all at once is no flood', async () => {
    using world = flooded()
    world.comes('before')
    world.route()
    for (let n = 60; n >= 1; n -= 1) world.comes(`backlog ${n}`, {}, n * 10_000)
    world.route()
    expect(world.count({ aside: 'rate' })).toBe(0)
  })

  test('of a flood nothing is given along with the next message; one refused can be given by hand', async () => {
    using world = flooded()
    for (let n = 1; n <= 12; n += 1) world.comes(`flood ${n}`)
    world.route()
    await world.dispatch()
    await world.clock.advance(60_000)
    world.comes('next')
    world.route()
    await world.dispatch()
    expect(world.mail().at(-1)).toMatchObject({ text: 'next', context: [] })
    expect(new SqliteTurnLog(world.db).retry(GARDEN, world.idOf('flood 12'))).toBe(true)
    await world.dispatch()
    expect(world.mail().at(-1)).toMatchObject({ text: 'flood 12' })
  })
})

test('who was silent longest is forgotten when there are too many', () => {
  const map = new BoundedMap<number, string>(3)
  for (const n of [1, 2, 3, 1, 4]) map.set(n, `of ${n}`)
  expect([map.size, map.get(2), map.get(1), map.get(4)]).toEqual([3, undefined, 'of 1', 'of 4'])
})
