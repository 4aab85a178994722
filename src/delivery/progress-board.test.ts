import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { FakeClock } from '../../test/fakes/fake-clock.ts'
import { GARDEN, HostTables, silentLog } from '../../test/rig/host-tables.ts'
import { ChannelRefusedError, ChannelUnreachableError, RetryAfterError } from '../domain/errors.ts'
import type { InboundMessage } from '../domain/message.ts'
import type { InboundRow } from '../domain/ports/stores.ts'
import { ProgressBoard } from './progress-board.ts'

class BoardWorld extends HostTables {
  readonly channel = new FakeChannel({ notes: true })
  /** Of the host that lives now: that of a killed one stands still. */
  time = this.clock
  awake = true
  afterMs = 10_000
  board = this.#make()

  #make(): ProgressBoard {
    const { time: clock, dispatches, directory, events, notes } = this
    return new ProgressBoard({
      ...{ clock, dispatches, directory, events, notes, log: silentLog, random: () => 0.5 },
      channelOf: (name) => (name === 'fake' ? this.channel : undefined),
      afterMs: this.afterMs ?? 10_000,
      isAwake: () => this.awake,
    })
  }

  /** As if the host had been killed: what it knew is gone, what is on record is not. */
  restart(): void {
    this.time = new FakeClock(this.time.now())
    this.board = this.#make()
    this.board.start()
  }

  /** A message whose turn begins. */
  begin(inboxSeq: number, part: Partial<InboundMessage> = {}): InboundRow {
    const row = this.place(GARDEN, inboxSeq, 'work', { mentionsUs: true, ...part })
    this.accept(inboxSeq)
    this.board.show(GARDEN, inboxSeq, row, { text: '' })
    return row
  }

  accept(inboxSeq: number): void {
    const cursor = this.outboxes.cursor(GARDEN) + 1
    const nothing = { deliveries: [], settled: [], rejected: 0 }
    const accepted = [{ inboxSeq, attempt: 1 }]
    this.outboxes.record(GARDEN, { cursor, ...nothing, accepted }, this.time.now())
  }

  end(inboxSeq: number, row: InboundRow): void {
    this.settle(GARDEN, inboxSeq)
    this.board.show(GARDEN, inboxSeq, row, null)
  }

  get texts(): readonly string[] {
    return this.channel.shown(this.channel.address())
  }

  get calls(): readonly string[] {
    return this.channel.notes?.calls ?? []
  }

  script(...answers: (Error | null)[]): void {
    this.channel.notes?.script.push(...answers)
  }
}

let world: BoardWorld
beforeEach(() => {
  world = new BoardWorld()
  world.bind(world.room(), GARDEN)
  world.board.start()
})
afterEach(async () => {
  await world.board.stop()
  world[Symbol.dispose]()
})

describe('the Working message', () => {
  test('comes after a while, names time and tool, and goes with the turn', async () => {
    const row = world.begin(1)
    await world.time.advance(9_900)
    expect(world.calls).toEqual([])
    await world.time.advance(200)
    expect(world.texts).toEqual(['Working … 10 s'])
    world.board.show(GARDEN, 1, row, { text: 'a draft', activity: 'Bash' })
    await world.time.advance(5_000)
    expect(world.texts).toEqual(['Working … 15 s · Bash'])
    world.end(1, row)
    await world.time.settled()
    expect(world.texts).toEqual([])
    expect(world.notes.all()).toEqual([])
    expect(world.channel.progress.at(-1)?.progress).toBeNull()
    expect(world.outgoing()).toEqual([])
  })

  test('does not come for a turn that is quick', async () => {
    const row = world.begin(1)
    await world.time.advance(3_000)
    world.end(1, row)
    await world.time.advance(60_000)
    expect(world.calls).toEqual([])
  })

  test('is changed seldom, however often the turn shows something new, and less often later', async () => {
    const row = world.begin(1)
    for (let n = 0; n < 600; n += 1) {
      world.board.show(GARDEN, 1, row, { text: `${n}`, activity: `Tool${n}` })
      await world.time.advance(100)
    }
    expect(world.calls.length).toBeGreaterThan(8)
    expect(world.calls.length).toBeLessThanOrEqual(11)
    const before = world.calls.length
    for (let n = 0; n < 600; n += 1) {
      world.board.show(GARDEN, 1, row, { text: `${n}`, activity: `Tool${n}` })
      await world.time.advance(1_000)
    }
    expect(world.calls.length - before).toBeLessThanOrEqual(41)
  })

  test('says nothing that a sandbox could use: no link, no mention, no second line', async () => {
    const row = world.begin(1)
    const activity = `@everyone https://evil.example/?q=1\n/stop ${'x'.repeat(500)}`
    world.board.show(GARDEN, 1, row, { text: 'secret draft', activity })
    await world.time.advance(10_500)
    expect(world.texts[0]).toMatch(/^Working … 10 s · everyone https evil example q 1 stop x+…$/)
    expect(world.texts[0]?.length).toBeLessThan(70)
  })

  test('is not for people who did not speak to the agent, nor where it is turned off', async () => {
    world.begin(1, { mentionsUs: false })
    await world.time.advance(60_000)
    expect(world.calls).toEqual([])
    expect(world.channel.progress.length).toBeGreaterThan(5)
    world.afterMs = 0
    world.restart()
    await world.time.advance(60_000)
    expect(world.calls).toEqual([])
  })

  test('of two turns of one chat is one, and stays until both have ended', async () => {
    const [one, two] = [world.begin(1), world.begin(2)]
    await world.time.advance(11_000)
    expect(world.texts).toHaveLength(1)
    world.end(1, one)
    await world.time.advance(5_000)
    expect(world.texts).toHaveLength(1)
    world.end(2, two)
    await world.time.settled()
    expect(world.texts).toEqual([])
  })

  test('goes while the sandbox is down, and comes again with it', async () => {
    world.begin(1)
    await world.time.advance(11_000)
    world.awake = false
    await world.time.advance(2_000)
    expect(world.texts).toEqual(['Working … 10 s'])
    await world.time.advance(7_000)
    expect(world.texts).toEqual([])
    expect(world.channel.progress.at(-1)?.progress).toBeNull()
    world.awake = true
    await world.time.advance(6_000)
    expect(world.texts).toEqual([expect.stringMatching(/^Working … 2\d s$/)])
  })

  test('goes when its message was settled without a word from the runner', async () => {
    world.begin(1)
    await world.time.advance(11_000)
    world.settle(GARDEN, 1)
    await world.time.advance(6_000)
    expect(world.texts).toEqual([])
  })

  test('that is being posted when the turn ends is taken away, too', async () => {
    const notes = world.channel.notes
    const gate = Promise.withResolvers<void>()
    if (notes) notes.gate = gate.promise
    const row = world.begin(1)
    await world.time.advance(11_000)
    world.end(1, row)
    gate.resolve()
    await world.time.advance(100)
    expect(world.calls).toEqual(['post Working … 10 s', 'remove note-1'])
    expect(world.texts).toEqual([])
    expect(world.notes.all()).toEqual([])
  })
})

describe('a platform that does not do it', () => {
  test('is left alone for as long as it asks', async () => {
    world.script(new RetryAfterError(30_000))
    const row = world.begin(1)
    await world.time.advance(39_000)
    expect(world.calls).toHaveLength(1)
    await world.time.advance(7_000)
    expect(world.texts[0]).toMatch(/^Working … 4\d s$/)
    world.script(new RetryAfterError(60_000))
    world.end(1, row)
    await world.time.advance(59_000)
    expect(world.texts).toHaveLength(1)
    await world.time.advance(2_000)
    expect(world.texts).toEqual([])
  })

  test.each([
    ['refuses', new ChannelRefusedError('no rights to send')],
    ['may have done it', new ChannelUnreachableError('reset', { ambiguous: true })],
    ['breaks', new Error('a bug')],
  ])('that %s is not asked again in this turn', async (_, error) => {
    world.script(error)
    const row = world.begin(1)
    await world.time.advance(120_000)
    expect(world.calls).toHaveLength(1)
    expect(world.notes.all()).toEqual([])
    world.end(1, row)
    await world.time.settled()
    world.begin(2)
    await world.time.advance(11_000)
    expect(world.texts).toHaveLength(1)
  })

  test('that cannot be reached is asked again', async () => {
    world.script(new ChannelUnreachableError('refused', { ambiguous: false }))
    world.begin(1)
    await world.time.advance(31_000)
    expect(world.texts).toHaveLength(1)
  })

  test('whose user took the message away does not get it again in this turn', async () => {
    world.begin(1)
    await world.time.advance(11_000)
    world.channel.sent.length = 0
    await world.time.advance(60_000)
    expect(world.texts).toEqual([])
    expect(world.notes.all()).toEqual([])
  })
})

describe('a host that comes and goes', () => {
  test('goes on with the message of a turn that goes on', async () => {
    world.begin(1)
    await world.time.advance(12_000)
    expect(world.texts).toEqual(['Working … 10 s'])
    world.restart()
    await world.time.advance(5_000)
    expect(world.texts).toEqual([expect.stringMatching(/^Working … 1\d s$/)])
    expect(world.calls.filter((call) => call.startsWith('post'))).toHaveLength(1)
    world.settle(GARDEN, 1)
    await world.time.advance(6_000)
    expect(world.texts).toEqual([])
    expect(world.notes.all()).toEqual([])
  })

  test('takes away what a killed one left of a turn that has ended, when the platform is there again', async () => {
    world.begin(1)
    await world.time.advance(12_000)
    world.settle(GARDEN, 1)
    world.script(new ChannelUnreachableError('down', { ambiguous: false }), new RetryAfterError(5_000))
    world.restart()
    await world.time.advance(60_000)
    expect(world.texts).toEqual([])
    expect(world.notes.all()).toEqual([])
  })

  test('forgets what was being posted when it was killed, and what stood on a channel that is gone', async () => {
    world.notes.begun(world.channel.address(), world.time.now())
    const row = world.notes.begun({ ...world.channel.address(), channel: 'gone' }, world.time.now())
    world.notes.sent(row, '5')
    world.restart()
    await world.time.settled()
    expect(world.notes.all()).toEqual([])
    expect(world.calls).toEqual([])
  })

  test('takes everything away when it stops', async () => {
    world.begin(1)
    await world.time.advance(12_000)
    await world.board.stop()
    expect(world.texts).toEqual([])
    expect(world.notes.all()).toEqual([])
  })
})

test('what a group does in a chat is known while it does it', () => {
  const row = world.begin(1)
  expect(world.board.doing(GARDEN, row.chatId)).toBeNull()
  world.board.show(GARDEN, 1, row, { text: '', activity: 'mcp__lab__echo' })
  expect(world.board.doing(GARDEN, row.chatId)).toBe('mcp__lab__echo')
  world.end(1, row)
  expect(world.board.doing(GARDEN, row.chatId)).toBeNull()
})
