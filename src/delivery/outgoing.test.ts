import { describe, expect, test } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { GARDEN, HostTables, OWNER, silentLog } from '../../test/rig/host-tables.ts'
import { ChannelUnreachableError } from '../domain/errors.ts'
import type { ChatId } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import { Notices } from './notices.ts'
import { Outgoing } from './outgoing.ts'

const MINUTE = 60_000
const SEND_MS = 50

/** Delivery as the host runs it, with a clock that a test moves; each send takes 50 ms of it. */
class OutgoingWorld extends HostTables {
  readonly channel = new FakeChannel()
  /** Where the owner talks to us: on the same channel, or on one of its own. */
  readonly second = new FakeChannel({ name: 'second' })
  readonly way: Outgoing
  readonly #byName = new Map<string, Channel>([
    ['fake', this.channel],
    ['second', this.second],
  ])
  #parts = 0

  constructor(ownerOn: 'fake' | 'second') {
    super()
    this.channel.sendGate = () => this.clock.sleep(SEND_MS, new AbortController().signal)
    const address = { channel: ownerOn, account: 'main', chat: 'owner' }
    const sender = { id: OWNER, name: 'Owner', isBot: false }
    this.roles.grant(OWNER, 'owner', null, this.clock.now())
    const row = this.receive('hello', { address, sender, chatKind: 'private' })
    this.inbound.routed(row.id, 'heard', null, [], this.clock.now())
    const { deliveries, events, clock, directory, roles } = this
    const channelOf = (name: string) => this.#byName.get(name)
    const nudge = (chatId: ChatId) => this.way.nudge(chatId)
    const notices = new Notices({ deliveries, directory, roles, channelOf, clock, nudge })
    const random = () => 0.5
    this.way = new Outgoing(
      { deliveries, events, clock, channelOf, random, notices, maxAgeMs: 24 * 60 * MINUTE },
      { clock, log: silentLog, random, pollMs: 1_000, backoff: { baseMs: 200, maxMs: 30_000 } },
    )
  }

  queue(chat: string, part: string): void {
    this.#parts += 1
    const chatId = this.room(chat)
    const item = { chatId, thread: undefined, part, key: `k${this.#parts}`, group: GARDEN }
    this.deliveries.add([item], this.clock.now())
    this.way.nudge(chatId)
  }

  /** Texts of one chat of a channel, in the order of their sending. */
  sentTo(chat: string, channel = this.channel): string[] {
    return channel.sent.filter(({ to }) => to.chat === chat).map(({ part }) => part)
  }

  states(): Set<string> {
    return new Set(this.outgoing().map(({ state }) => state))
  }
}

const chats = Array.from({ length: 40 }, (_, n) => `chat${n}`)
const FIVE = ['1', '2', '3', '4', '5']

describe('a platform that is down for ten minutes', () => {
  test.each(['fake', 'second'] as const)(
    'gets everything when it is back, in order, once, without a herd; the owner (on %s) is told once',
    async (ownerOn) => {
      using world = new OutgoingWorld(ownerOn)
      world.way.start()
      world.channel.down = true
      for (const text of FIVE) for (const chat of chats) world.queue(chat, `${text} for ${chat}`)
      await world.clock.advance(10 * MINUTE)
      expect(world.channel.sent).toHaveLength(0)
      // Sixteen at once were under way when it was noticed; from then on one look at a time, ever more rarely.
      expect(world.channel.calls).toBeLessThan(40)
      const told = ownerOn === 'second' ? world.sentTo('owner', world.second) : []
      expect(told).toHaveLength(ownerOn === 'second' ? 1 : 0)

      world.channel.down = false
      world.channel.mostAtOnce = 0
      while (world.channel.sent.length === 0) await world.clock.advance(SEND_MS)
      expect(world.channel.mostAtOnce).toBeLessThanOrEqual(2)
      await world.clock.advance(2 * SEND_MS)
      expect(world.channel.mostAtOnce).toBeLessThanOrEqual(8)
      await world.clock.advance(MINUTE)
      expect(world.channel.mostAtOnce).toBeLessThanOrEqual(16)
      for (const chat of chats) expect(world.sentTo(chat)).toEqual(FIVE.map((text) => `${text} for ${chat}`))
      expect(world.states()).toEqual(new Set(['accepted']))
      const owner = ownerOn === 'second' ? world.second : world.channel
      expect(world.sentTo('owner', owner)).toEqual([
        expect.stringMatching(/^Nothing could be sent to \*\*fake\/main\*\* since \d\d:\d\d UTC\./),
      ])
      await world.way.stop(0)
    },
  )

  test('shorter than a minute it is not worth a word', async () => {
    using world = new OutgoingWorld('second')
    world.way.start()
    world.channel.down = true
    for (const chat of chats) world.queue(chat, 'hello')
    await world.clock.advance(50_000)
    world.channel.down = false
    await world.clock.advance(2 * MINUTE)
    expect(world.channel.sent).toHaveLength(chats.length)
    expect(world.second.sent).toHaveLength(0)
    await world.way.stop(0)
  })

  test('does not keep the messages of another channel waiting', async () => {
    using world = new OutgoingWorld('second')
    world.way.start()
    // Calls that hang take up the lanes of their channel and no others.
    world.channel.sendGate = new Promise(() => undefined)
    for (const chat of [...chats, ...chats.map((chat) => `${chat}b`)]) world.queue(chat, 'hello')
    const address = { channel: 'second', account: 'main', chat: 'owner' }
    const { id } = world.directory.chatFor(address, 'private', '', world.clock.now())
    world.deliveries.add(
      [{ chatId: id, thread: undefined, part: 'hi', key: 'x', group: null }],
      world.clock.now(),
    )
    world.way.nudge(id)
    await world.clock.settled()
    expect(world.sentTo('owner', world.second)).toEqual(['hi'])
    expect(world.channel.mostAtOnce).toBe(16)
    world.channel.sendGate = undefined
  })

  test('what is a day old by then is given up, and the owner is told what and why', async () => {
    using world = new OutgoingWorld('second')
    world.way.start()
    world.channel.down = true
    for (const chat of ['one', 'two', 'three']) world.queue(chat, 'hello')
    await world.clock.advance(2 * MINUTE)
    world.clock.set(world.clock.now() + 24 * 60 * MINUTE)
    await world.clock.advance(6 * MINUTE)
    expect(world.outgoing().filter(({ state }) => state === 'failed')).toHaveLength(3)
    expect(world.outgoing()[0]?.reason).toBe('given up after 24 hours: the channel does not answer')
    const told = world.sentTo('owner', world.second)
    expect(told.slice(1).join('\n')).toContain('garden to fake:one “Room”: given up after 24 hours')
    expect(told.length).toBeLessThanOrEqual(3)
    await world.way.stop(0)
  })
})

describe('one message that its platform never takes', () => {
  /** Sends of this text fail as if nobody answered; the platform itself is well. */
  function poison(world: OutgoingWorld, text: string): void {
    const send = world.channel.send.bind(world.channel)
    world.channel.send = async (to, part, key, signal) => {
      if (part === text) throw new ChannelUnreachableError('502', { ambiguous: false })
      return send(to, part, key, signal)
    }
  }

  test('is given up after a bounded time, and what waits behind it in its chat goes out', async () => {
    using world = new OutgoingWorld('second')
    world.way.start()
    poison(world, 'bad')
    world.queue('one', 'bad')
    world.queue('one', 'good')
    await world.clock.advance(90 * MINUTE)
    expect(world.outgoing()).toMatchObject([
      { part: 'bad', state: 'failed', reason: 'given up after 15 tries: 502' },
      { part: 'good', state: 'accepted' },
      {},
      {},
    ])
    await world.way.stop(0)
  })

  test('does not hold up other chats of its channel', async () => {
    using world = new OutgoingWorld('second')
    world.way.start()
    poison(world, 'bad')
    world.queue('one', 'bad')
    for (let n = 0; n < 20; n += 1) {
      world.queue('other', `fine ${n}`)
      await world.clock.advance(5_000)
      expect(world.sentTo('other')).toHaveLength(n + 1)
    }
    await world.way.stop(0)
  })
})

describe('answers that could not be delivered', () => {
  test('are told to the owner at once, then collected', async () => {
    using world = new OutgoingWorld('second')
    world.way.start()
    world.channel.refusedChats.add('gone')
    world.queue('gone', 'a')
    await world.clock.advance(1_000)
    expect(world.sentTo('owner', world.second)).toHaveLength(1)
    for (let n = 0; n < 30; n += 1) world.queue('gone', `b${n}`)
    await world.clock.advance(4 * MINUTE)
    expect(world.sentTo('owner', world.second)).toHaveLength(1)
    await world.clock.advance(2 * MINUTE)
    const told = world.sentTo('owner', world.second)
    expect(told).toHaveLength(2)
    expect(told[1]).toContain(
      '30 messages of agents could not be delivered:\n- garden to fake:gone “Room”: chat not found (30 messages)',
    )
    await world.way.stop(0)
  })

  test('a notice that fails is not told of by another notice', async () => {
    using world = new OutgoingWorld('second')
    world.way.start()
    world.second.refusedChats.add('owner')
    world.channel.refusedChats.add('gone')
    world.queue('gone', 'a')
    await world.clock.advance(30 * MINUTE)
    expect(world.outgoing()).toHaveLength(2)
    expect(world.states()).toEqual(new Set(['failed']))
    await world.way.stop(0)
  })
})
