import { describe, expect, test } from 'vitest'
import { GARDEN } from '../../test/rig/host-tables.ts'
import { RoutingWorld } from '../../test/rig/routing-world.ts'
import { type Account, arrive } from './catch-up.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** `[said, came]` in minutes; how late each was, in minutes. */
function lateness(arrivals: readonly (readonly [number, number])[]): number[] {
  let account: Account | null = null
  return arrivals.map(([said, came]) => {
    const [next, late] = arrive(account, { sentAt: said * MINUTE, receivedAt: came * MINUTE })
    account = next
    return late / MINUTE
  })
}

describe('how late a message is', () => {
  test.each([
    [
      'what comes at once',
      [
        [0, 0],
        [5, 5],
        [600, 600],
      ],
      [0, 0, 0],
    ],
    [
      'after the host was down',
      [
        [0, 0],
        [10, 60],
        [59.5, 60],
        [60, 60],
      ],
      [0, 50, 0, 0],
    ],
    [
      'the very first messages of a channel, whose clock nobody knows',
      [
        [0, 60],
        [59, 60.1],
      ],
      [0, 0],
    ],
    [
      'no older than the silence in which it waited',
      [
        [0, 0],
        [-600, 60],
      ],
      [0, 60],
    ],
    [
      'a platform whose clock is an hour behind',
      [
        [-60, 0],
        [-50, 10],
        [60, 120],
      ],
      [0, 0, 0],
    ],
    [
      'and one that is ahead, with a backlog',
      [
        [60, 0],
        [70, 10],
        [90, 100],
      ],
      [0, 0, 70],
    ],
    [
      'our own clock set forward, once what is said keeps step with it',
      [
        [0, 0],
        [1, 181],
        [1.1, 181.1],
        [1.3, 181.3],
        [1.4, 181.4],
        [300, 480],
      ],
      [0, 180, 180, 0, 0, 0],
    ],
    [
      'a backlog that comes slowly',
      [
        [0, 0],
        [10, 60],
        [20, 60.2],
        [40, 60.4],
        [60.5, 60.5],
      ],
      [0, 50, 40.2, 20.4, 0],
    ],
    [
      'our own clock set back',
      [
        [0, 0],
        [-30, -30],
        [-29, -29],
      ],
      [0, 0, 0],
    ],
  ])('%s', (_, arrivals, expected) => {
    expect(lateness(arrivals as [number, number][])).toEqual(expected.map((one) => expect.closeTo(one, 5)))
  })
})

test('a clock that goes wrong while messages flow is not believed', () => {
  const flow = Array.from({ length: 25 }, (_, n): [number, number] => [n / 2, n / 2])
  expect(Math.max(...lateness([...flow, [-600, 12.5], [-600, 13]]))).toBe(0)
})

describe('after downtime', () => {
  async function away(config: { limits?: object; chats?: object } = {}): Promise<RoutingWorld> {
    const world = new RoutingWorld(config)
    world.bind(world.room(), GARDEN)
    world.comes('before')
    world.route()
    await world.dispatch()
    return world
  }

  test('many messages of one conversation share a turn, and the agent knows why', async () => {
    using world = await away()
    await world.clock.advance(3 * HOUR)
    world.restart()
    for (let n = 1; n <= 8; n += 1) world.comes(`m${n}`, {}, (10 - n) * 10 * MINUTE)
    expect(world.route()).toEqual([{ waitMs: 1_000 }])
    await world.clock.advance(1_000)
    world.comes('now')
    world.route()
    await world.dispatch()
    const given = world.mail().slice(1)
    const first = world.idOf('m1')
    expect(given.map(({ bundle }) => bundle)).toEqual([...Array.from({ length: 8 }, () => first), undefined])
    expect(given[0]?.notes).toEqual([
      expect.stringContaining('Several messages came while you could not be reached'),
    ])
    expect(given[1]?.notes).toBeUndefined()
    expect(world.said()).toEqual([])
  })

  test('a few are answered one by one', async () => {
    using world = await away()
    await world.clock.advance(3 * HOUR)
    for (let n = 1; n <= 5; n += 1) world.comes(`m${n}`, {}, n * MINUTE * 2)
    world.route()
    await world.clock.advance(1_000)
    world.route()
    expect(world.count({ bundle: null, outcome: null })).toBe(6)
  })

  test('what is too old is background, and the chat is told once how much that was', async () => {
    using world = await away({ chats: { catch_up_max_age_h: 2 } })
    await world.clock.advance(10 * HOUR)
    for (let n = 1; n <= 3; n += 1) world.comes(`old ${n}`, {}, 5 * HOUR)
    world.comes('young', {}, HOUR)
    await world.clock.advance(1_000)
    world.route()
    expect(world.count({ aside: 'old', outcome: 'cancelled' })).toBe(3)
    expect(world.said()).toEqual([
      'While I was away, 3 messages came that are older than 2 hours. They are kept as background, but not answered; say again what still matters.',
    ])
    await world.dispatch()
    const given = world.mail().at(-1)
    expect(given?.text).toBe('young')
    expect(given?.context.map(({ text }) => text)).toEqual(['old 1', 'old 2', 'old 3'])
  })

  test('a backlog of many hundreds is told of once, with its whole number', async () => {
    using world = await away({
      limits: { sender_per_minute: 0, chat_per_minute: 0 },
      chats: { catch_up_max_age_h: 2 },
    })
    await world.clock.advance(10 * HOUR)
    for (let n = 1; n <= 450; n += 1) world.comes(`old ${n}`, {}, 5 * HOUR)
    await world.clock.advance(1_000)
    world.route()
    expect(world.count({ aside: 'old' })).toBe(450)
    expect(world.said()).toEqual([expect.stringContaining('450 messages')])
  })

  test('overheard talk, strangers and commands are what they always were', async () => {
    using world = await away({ chats: { catch_up_max_age_h: 2 } })
    world.bind(world.room(), GARDEN, { engage: 'mention' })
    await world.clock.advance(10 * HOUR)
    world.comes('talk', {}, 5 * HOUR)
    world.comes('/new', {}, 5 * HOUR)
    world.comes('/status', {}, 4 * HOUR)
    await world.clock.advance(1_000)
    world.route()
    expect(world.fates().slice(1)).toMatchObject([
      { state: 'heard' },
      { state: 'dropped' },
      { state: 'dropped' },
    ])
    expect(world.said()).toHaveLength(2)
  })

  test('with both settings off everything is answered at once', async () => {
    using world = await away({ chats: { catch_up_max_age_h: 0, catch_up_collect: 0 } })
    await world.clock.advance(100 * HOUR)
    for (let n = 1; n <= 9; n += 1) world.comes(`m${n}`, {}, 50 * HOUR)
    world.route()
    expect(world.count({ aside: null, bundle: null, outcome: null })).toBe(10)
  })

  test('a message that is set aside and then changed is said anew', async () => {
    using world = await away({ chats: { catch_up_max_age_h: 2 } })
    await world.clock.advance(10 * HOUR)
    world.comes('old', { platformMessageId: 'p1' }, 5 * HOUR)
    await world.clock.advance(1_000)
    world.route()
    world.inbound.record(
      world.message('still wanted', { platformMessageId: 'p1', edit: 'e1' }),
      world.clock.now(),
    )
    world.route()
    expect(world.fates().at(-1)).toMatchObject({ text: 'edited: still wanted', aside: null, outcome: null })
  })
})
