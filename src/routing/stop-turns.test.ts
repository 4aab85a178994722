import { describe, expect, test } from 'vitest'
import { GARDEN, KITCHEN } from '../../test/rig/host-tables.ts'
import { RoutingWorld } from '../../test/rig/routing-world.ts'
import { stopTurns } from './stop-turns.ts'

const stop = (world: RoutingWorld, group = GARDEN) =>
  stopTurns(group, world.room(), { ...world, nudge: () => undefined })

describe('/stop', () => {
  test('is a note first, written into the inbox in one commit, and the same again is nothing', async () => {
    using world = new RoutingWorld({ limits: { sender_per_minute: 0, chat_per_minute: 0 } })
    world.bind(world.room(), GARDEN)
    for (let n = 1; n <= 40; n += 1) world.comes(`m${n}`)
    world.route()
    await world.dispatch()
    world.settleOldest(1)
    const commits: number[] = []
    const putAll = world.mailbox.putAll.bind(world.mailbox)
    world.mailbox.putAll = (group, items, at) => {
      commits.push(items.length)
      return putAll(group, items, at)
    }
    expect(stop(world)).toBe(39)
    expect(world.mail()).toHaveLength(40)
    expect(world.mailbox.rows(GARDEN)).toHaveLength(40)
    await world.dispatch()
    await world.dispatch()
    expect(commits).toEqual([39])
    const stopped = world.mailbox.rows(GARDEN).slice(40)
    expect(stopped.map(({ entry }) => entry)).toEqual(
      Array.from({ length: 39 }, (_, n) => ({ type: 'cancel', inboxSeq: n + 2 })),
    )
  })

  test('that comes while a message is being written is not lost with a lock or a kill before it is', async () => {
    using world = new RoutingWorld()
    world.bind(world.room(), GARDEN)
    world.comes('one')
    world.route()
    const { mailbox, dispatches } = world
    const putAll = mailbox.putAll.bind(mailbox)
    mailbox.putAll = async (...call) => {
      stop(world)
      const seqs = await putAll(...call)
      mailbox.failures.set(GARDEN, new Error('locked'))
      return seqs
    }
    await expect(async () => world.dispatch()).rejects.toThrow('locked')
    mailbox.putAll = putAll
    expect(dispatches.groupsWithPending()).toEqual([GARDEN])
    expect(await world.dispatch()).toBe('idle')
    expect(mailbox.rows(GARDEN).map(({ entry }) => entry)).toMatchObject([
      { type: 'message', text: 'one' },
      { type: 'cancel', inboxSeq: 1 },
    ])
    expect(dispatches.groupsWithPending()).toEqual([])
    await world.dispatch()
    expect(mailbox.rows(GARDEN)).toHaveLength(2)
  })

  test('of an agent that locks its inbox holds up no other agent of the chat', async () => {
    using world = new RoutingWorld()
    for (const group of [GARDEN, KITCHEN]) world.bind(world.room(), group)
    world.comes('one')
    world.route()
    await world.dispatch()
    await world.dispatch(KITCHEN)
    world.mailbox.failures.set(GARDEN, new Error('locked'))
    expect([stop(world), stop(world, KITCHEN)]).toEqual([1, 1])
    world.comes('two')
    world.route()
    await world.dispatch(KITCHEN)
    expect(world.mail(KITCHEN).map(({ text }) => text)).toEqual(['one', 'two'])
    await expect(async () => world.dispatch()).rejects.toThrow('locked')
    await world.dispatch()
    for (const group of [GARDEN, KITCHEN])
      expect(world.mailbox.rows(group).filter(({ entry }) => entry.type === 'cancel')).toHaveLength(1)
  })
})
