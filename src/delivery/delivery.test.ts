import { describe, expect, test } from 'vitest'
import { FakeChannel, type FakeChannelScript } from '../../test/fakes/fake-channel.ts'
import { GARDEN, HostTables } from '../../test/rig/host-tables.ts'
import { SqliteDeliveryLog } from '../adapters/sqlite/delivery-log.ts'
import { ChannelRefusedError, ChannelUnreachableError, RetryAfterError } from '../domain/errors.ts'
import type { ChatId } from '../domain/ids.ts'
import { ChannelBreaker } from './channel-breaker.ts'
import { deliverNext } from './delivery.ts'

class DeliveryWorld extends HostTables {
  readonly channel: FakeChannel
  readonly chat: ChatId
  readonly breaker = new ChannelBreaker({
    clock: this.clock,
    random: () => 0.5,
    nudge: (chatId) => this.nudged.push(chatId),
    down: (channel, since) => this.outages.push(`${channel} ${since - this.start}`),
    up: (channel) => this.outages.push(`${channel} up`),
  })
  readonly nudged: ChatId[] = []
  readonly outages: string[] = []
  readonly start = this.clock.now()
  configured = true
  failures = 0
  #parts = 0

  constructor(script: FakeChannelScript = {}) {
    super()
    this.channel = new FakeChannel(script)
    this.chat = this.room()
  }

  queue(part: string, chatId = this.chat): void {
    this.#parts += 1
    const key = `k${this.#parts}`
    this.deliveries.add([{ chatId, thread: undefined, part, key, group: GARDEN }], this.clock.now())
  }

  step(chatId = this.chat, signal = new AbortController().signal) {
    const { deliveries, events, clock, breaker } = this
    const ports = {
      ...{ deliveries, events, clock, breaker, random: () => 0.5, maxAgeMs: 24 * 3_600_000 },
      channelOf: () => (this.configured ? this.channel : undefined),
      onFailed: () => {
        this.failures += 1
      },
    }
    return deliverNext(chatId, ports, signal)
  }

  states(): string[] {
    return this.outgoing().map((row) => row.state)
  }
}

describe('deliverNext', () => {
  test('sends the parts of a chat one after another, oldest first', async () => {
    using world = new DeliveryWorld()
    for (const part of ['one', 'two', 'three']) world.queue(part)
    while ((await world.step()) === 'again') expect(world.channel.sent.length).toBeLessThan(4)
    expect(world.channel.sent.map((sent) => sent.part)).toEqual(['one', 'two', 'three'])
    expect(world.states()).toEqual(['accepted', 'accepted', 'accepted'])
    expect(await world.step()).toBe('idle')
  })

  test('marks a part as being sent before the platform is called', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    let open: () => void = () => undefined
    world.channel.sendGate = new Promise((resolve) => {
      open = resolve
    })
    const step = world.step()
    expect(world.states()).toEqual(['sending'])
    open()
    await step
    expect(world.states()).toEqual(['accepted'])
  })

  test('waits as long as the platform asks, spends no attempt, and holds the later parts back', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    world.queue('two')
    world.channel.sendScript.push(new RetryAfterError(7_000))
    expect(await world.step()).toEqual({ waitMs: 7_000 })
    await world.clock.advance(6_999)
    expect(await world.step()).toEqual({ waitMs: 1 })
    expect(world.outgoing()[0]).toMatchObject({ attempts: 0, ambiguous: 0, state: 'queued' })
    await world.clock.advance(1)
    await world.step()
    await world.step()
    expect(world.channel.sent.map((sent) => sent.part)).toEqual(['one', 'two'])
  })

  test('records why a message was refused and goes on with the next', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    world.queue('two')
    world.channel.sendScript.push(new ChannelRefusedError('bot was kicked'))
    expect(await world.step()).toBe('again')
    expect(await world.step()).toBe('again')
    expect(world.outgoing()).toMatchObject([
      { state: 'failed', reason: 'bot was kicked' },
      { state: 'accepted' },
    ])
  })

  test('an error that the port does not promise counts as refused', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    world.channel.sendScript.push(new TypeError('bug'))
    expect(await world.step()).toBe('again')
    expect(world.outgoing()).toMatchObject([{ state: 'failed', reason: 'bug' }])
  })

  test('tries again after growing waits when the platform cannot be reached', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    const unreachable = () => new ChannelUnreachableError('no route', { ambiguous: false })
    world.channel.sendScript.push(unreachable(), unreachable())
    expect(await world.step()).toEqual({ waitMs: 1_000 })
    await world.clock.advance(1_000)
    expect(await world.step()).toEqual({ waitMs: 2_000 })
    await world.clock.advance(2_000)
    expect(await world.step()).toBe('again')
    expect(world.outgoing()).toMatchObject([{ state: 'accepted', attempts: 3, ambiguous: 0 }])
  })

  test.each([
    [true, 0],
    [false, 1],
  ])(
    'a send that may have arrived is ambiguous unless the channel is idempotent (%s)',
    async (idempotentSend, flag) => {
      using world = new DeliveryWorld({ capabilities: { idempotentSend } })
      world.queue('one')
      world.channel.sendScript.push(new ChannelUnreachableError('reset', { ambiguous: true }))
      await world.step()
      expect(world.outgoing()).toMatchObject([
        { state: flag ? 'unknown_after_send' : 'queued', ambiguous: flag },
      ])
      await world.clock.advance(1_000)
      await world.step()
      expect(world.outgoing()).toMatchObject([{ state: 'accepted', ambiguous: flag }])
      expect(world.overview.read().ambiguousSends).toBe(flag)
    },
  )

  test('gives up on a message that is a day old', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    await world.clock.advance(24 * 3_600_000)
    const unreachable = () => new ChannelUnreachableError('no route', { ambiguous: false })
    world.channel.sendScript.push(unreachable(), unreachable())
    expect(await world.step()).toEqual({ waitMs: 1_000 })
    await world.clock.advance(1_000)
    expect(await world.step()).toBe('again')
    expect(world.outgoing()).toMatchObject([{ state: 'failed', reason: 'given up after 24 hours: no route' }])
  })

  test('without its channel a message fails with that reason', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    world.configured = false
    expect(await world.step()).toBe('again')
    expect(world.outgoing()).toMatchObject([
      { state: 'failed', reason: 'the channel fake/main is not configured' },
    ])
  })

  test('a send that the stop cuts short is tried again', async () => {
    using world = new DeliveryWorld()
    world.queue('one')
    const stop = new AbortController()
    stop.abort(new Error('stopping'))
    expect(await world.step(world.chat, stop.signal)).toEqual({ waitMs: 1_000 })
    expect(world.outgoing()).toMatchObject([{ state: 'unknown_after_send', ambiguous: 1 }])
  })

  test.each([
    [true, 0],
    [false, 1],
  ])(
    'a sent message that could not be recorded is sent again and marked (idempotent: %s)',
    async (idempotentSend, flag) => {
      using world = new DeliveryWorld({ capabilities: { idempotentSend } })
      world.queue('one')
      world.db.exec(
        "CREATE TRIGGER full BEFORE UPDATE ON delivery WHEN new.state = 'accepted' BEGIN SELECT raise(ABORT, 'full'); END",
      )
      await expect(world.step()).rejects.toThrow('full')
      world.db.exec('DROP TRIGGER full')
      expect(await world.step()).toBe('again')
      expect(await world.step()).toBe('again')
      expect(world.outgoing()).toMatchObject([{ state: 'accepted', ambiguous: flag }])
      expect(world.channel.sent).toHaveLength(idempotentSend ? 1 : 2)
    },
  )

  test('one chat does not wait for another', async () => {
    using world = new DeliveryWorld()
    const other = world.room('other')
    world.queue('one')
    world.queue('two', other)
    world.channel.sendScript.push(new RetryAfterError(60_000))
    await world.step()
    expect(await world.step(other)).toBe('again')
    expect(world.channel.sent.map((sent) => sent.part)).toEqual(['two'])
  })
})

describe('after a kill in the middle of a send', () => {
  test.each([
    [true, 0],
    [false, 1],
  ])(
    'the next host sends it again before the others, and marks it (idempotent: %s)',
    async (idempotentSend, flag) => {
      using world = new DeliveryWorld({ capabilities: { idempotentSend } })
      world.queue('one')
      world.queue('two')
      const first = world.deliveries.next(world.chat)
      if (first) world.deliveries.sending(first.id)
      expect(world.deliveries.chatsWithQueued()).toEqual([world.chat])
      while ((await world.step()) === 'again') expect(world.channel.sent.length).toBeLessThan(3)
      expect(world.channel.sent.map((sent) => sent.part)).toEqual(['one', 'two'])
      expect(world.outgoing()).toMatchObject([
        { state: 'accepted', ambiguous: flag },
        { state: 'accepted', ambiguous: 0 },
      ])
    },
  )
})

describe('what was written while its channel was not configured', () => {
  test('is rendered when it is sent by hand, its parts one after the other in its place', async () => {
    using world = new DeliveryWorld({ partLimit: 10 })
    const text = '**first** and second and third'
    const late = { chatId: world.chat, thread: undefined, key: 'late', group: GARDEN }
    world.deliveries.add([{ ...late, part: text, failed: 'no channel', unrendered: true }], world.clock.now())
    world.queue('newer')
    new SqliteDeliveryLog(world.db).retry({}, world.clock.now())
    while ((await world.step()) === 'again') expect(world.channel.sent.length).toBeLessThan(9)
    const parts = world.channel.render(text)
    expect(parts.length).toBeGreaterThan(2)
    expect(world.channel.sent.map(({ part }) => part)).toEqual([...parts, 'newer'])
    expect(new Set(world.channel.sent.map(({ key }) => key)).size).toBe(parts.length + 1)
    expect(world.states()).toEqual(['accepted', 'accepted'])
  })

  test('a host killed between two of its parts goes on with the one that it was at', async () => {
    using world = new DeliveryWorld({ partLimit: 10, capabilities: { idempotentSend: true } })
    const late = {
      chatId: world.chat,
      thread: undefined,
      key: 'late',
      group: GARDEN,
      part: 'one two three four',
    }
    world.deliveries.add([{ ...late, failed: 'no channel', unrendered: true }], world.clock.now())
    new SqliteDeliveryLog(world.db).retry({}, world.clock.now())
    await world.step()
    await world.step()
    const row = world.deliveries.next(world.chat)
    if (!row) throw new Error('nothing left to send')
    world.deliveries.sending(row.id)
    while ((await world.step()) === 'again') expect(world.channel.sent.length).toBeLessThan(9)
    expect(world.channel.sent.map(({ part }) => part)).toEqual(world.channel.render(late.part))
  })
})
