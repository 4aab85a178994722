import { describe, expect, test } from 'vitest'
import { GARDEN } from '../../test/rig/host-tables.ts'
import { RoutingWorld } from '../../test/rig/routing-world.ts'
import type { FullPolicy } from '../domain/binding.ts'

const SECOND = 1_000

/** A chat of the garden whose conversation may have four messages waiting, at most ten at all. */
function crowded(whenFull: FullPolicy, chats: object = {}): RoutingWorld {
  const limits = { sender_per_minute: 0, chat_per_minute: 0, max_waiting: 10 }
  const world = new RoutingWorld({ limits, chats: { queue_bound: 4, ...chats } })
  world.bind(world.room(), GARDEN, { whenFull })
  return world
}

function say(world: RoutingWorld, from: number, to: number): void {
  for (let n = from; n <= to; n += 1) {
    world.comes(`m${n}`)
    world.route()
  }
}

describe('keep', () => {
  test('takes all up to the cap, tells of the wait once, and refuses with a reason beyond', async () => {
    using world = crowded('keep')
    say(world, 1, 14)
    expect(world.count({ aside: null, outcome: null })).toBe(10)
    expect(world.count({ aside: 'full', outcome: 'cancelled' })).toBe(4)
    expect(world.said()).toEqual([
      expect.stringContaining('4 messages wait here already. They are answered one after the other'),
      expect.stringContaining('10 messages wait here already. No more are taken'),
    ])
  })

  test('tells again only when it had been quiet in between, also over a restart', async () => {
    using world = crowded('keep')
    say(world, 1, 6)
    world.restart()
    say(world, 7, 8)
    await world.dispatch()
    world.settleOldest(3)
    say(world, 9, 9)
    expect(world.said()).toHaveLength(1)
    world.settleOldest(6)
    say(world, 10, 14)
    expect(world.said()).toHaveLength(2)
  })
})

describe('reject', () => {
  test('refuses at the bound, takes more as soon as there is room', async () => {
    using world = crowded('reject')
    say(world, 1, 7)
    expect(world.count({ aside: null })).toBe(4)
    expect(world.count({ aside: 'full' })).toBe(3)
    expect(world.said()).toHaveLength(1)
    world.restart()
    say(world, 8, 8)
    expect(world.count({ aside: 'full' })).toBe(4)
    expect(world.said()).toHaveLength(1)
    await world.dispatch()
    world.settleOldest(1)
    say(world, 9, 9)
    expect(world.fates().at(-1)).toMatchObject({ aside: null, outcome: null })
  })
})

describe('summarise', () => {
  test('gives what came meanwhile as one message, when half of what waited is done', async () => {
    using world = crowded('summarise')
    say(world, 1, 9)
    expect(world.count({ aside: 'summary', outcome: null })).toBe(5)
    expect(world.said()).toEqual([expect.stringContaining('What comes now is read, and answered together')])
    await world.dispatch()
    expect(world.mail().map(({ text }) => text)).toEqual(['m1', 'm2', 'm3', 'm4'])
    world.settleOldest(1)
    expect(await world.dispatch()).toBe('idle')
    say(world, 10, 10)
    world.settleOldest(1)
    await world.dispatch()
    const [last] = world.mail().slice(-1)
    expect(last?.text).toBe('m10')
    expect(last?.context.map(({ text }) => text)).toEqual(['m5', 'm6', 'm7', 'm8', 'm9'])
    expect(last?.notes).toEqual([expect.stringContaining('5 more were said to you since')])
    expect(world.count({ outcome: 'done' })).toBe(7)
    say(world, 11, 11)
    await world.dispatch()
    expect(world.mail().at(-1)).toMatchObject({ text: 'm11', context: [] })
    expect(world.said()).toHaveLength(1)
  })

  test('nothing overtakes what waits to be given together, also after a restart', async () => {
    using world = crowded('summarise')
    say(world, 1, 5)
    await world.dispatch()
    world.settleOldest(3)
    world.restart()
    say(world, 6, 6)
    expect(world.fates().at(-1)).toMatchObject({ text: 'm6', aside: 'summary' })
    await world.dispatch()
    expect(world.mail().at(-1)).toMatchObject({ text: 'm6', context: [{ text: 'm5' }] })
  })

  test('never across threads: each has a message of its own', async () => {
    using world = crowded('summarise')
    say(world, 1, 4)
    const address = { channel: 'fake', account: 'main', chat: 'room' }
    for (const thread of ['a', 'b', 'a', 'b'])
      world.comes(`in ${thread}`, { address: { ...address, thread } })
    world.route()
    await world.dispatch()
    world.settleOldest(4)
    await world.dispatch()
    const given = world.mail().slice(4)
    expect(given.map(({ chat, notes }) => [chat.thread, notes?.[0]?.includes('1 more were said')])).toEqual([
      ['a', true],
      ['b', true],
    ])
  })

  test('/stop drops what waits to be given together', async () => {
    using world = crowded('summarise')
    say(world, 1, 8)
    await world.dispatch()
    world.comes('/stop')
    world.route()
    expect(world.count({ aside: 'summary', outcome: 'cancelled' })).toBe(4)
    expect(world.said().at(-1)).toBe('Stopped.')
  })
})

describe('words to the host', () => {
  test('count at once, before what waits for the router and with a full queue', async () => {
    using world = crowded('reject', {})
    say(world, 1, 9)
    world.bind(world.room(), GARDEN, { debounceMs: 10 * SECOND })
    await world.dispatch()
    world.settleOldest(4)
    world.comes('half a thought')
    expect(world.route()).toEqual([{ waitMs: 10 * SECOND }])
    world.comes('/status')
    world.route()
    expect(world.said().at(-1)).toContain('Agent **garden**')
    expect(world.inbound.chatsWithNew()).toHaveLength(1)
    world.comes('/stop')
    world.route()
    expect(world.said().at(-1)).toBe('Stopped.')
    expect(world.fates().find(({ text }) => text === 'half a thought')).toMatchObject({ state: 'dropped' })
    expect(world.inbound.chatsWithNew()).toEqual([])
  })

  test('of somebody else’s bot, or of one who is not let in, keep their place', async () => {
    using world = crowded('keep')
    world.bind(world.room(), GARDEN, { engage: 'mention', debounceMs: SECOND })
    world.comes('@bot first', { mentionsUs: true })
    expect(world.route()).toEqual([{ waitMs: SECOND }])
    world.comes('/stop@another')
    world.route()
    expect(world.fates()).toMatchObject([{ state: 'routed', outcome: null }, { state: 'heard' }])
    expect(world.said()).toEqual([])
  })

  test('a flood of them is answered so far and no further', async () => {
    using world = crowded('keep')
    for (let n = 1; n <= 50; n += 1) world.comes('/status')
    world.route()
    expect(world.said()).toHaveLength(31)
    expect(world.said().at(-1)).toContain('More than 30 messages a minute')
    expect(world.count({ state: 'dropped' })).toBe(50)
  })

  test('/stop of one agent’s member leaves what is for another agent', async () => {
    using world = crowded('keep')
    world.bind(world.room(), GARDEN, { debounceMs: SECOND })
    world.bind(world.room(), 'kitchen' as typeof GARDEN, { senders: 'strict' })
    world.comes('for both')
    world.route()
    world.comes('/stop')
    world.route()
    expect(world.fates()[0]).toMatchObject({ text: 'for both' })
    expect(world.count({ state: 'dropped' })).toBe(1)
  })
})
