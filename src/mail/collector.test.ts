import { describe, expect, test } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { FakeFileStore } from '../../test/fakes/fake-file-store.ts'
import { FakeMailbox } from '../../test/fakes/fake-mailbox.ts'
import { FakeOutboxReader } from '../../test/fakes/fake-outbox-reader.ts'
import { NO_ASKS, NO_CALLS } from '../../test/fakes/no-approvals.ts'
import { GARDEN, HostTables } from '../../test/rig/host-tables.ts'
import type { Shown } from '../delivery/progress-board.ts'
import { readFilePart } from '../domain/file-part.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import { GroupProblems } from '../sandboxes/group-problems.ts'
import { collect } from './collector.ts'

class CollectorWorld extends HostTables {
  readonly reader = new FakeOutboxReader()
  readonly mailbox = new FakeMailbox(this.clock)
  readonly channel = new FakeChannel({ partLimit: 10 })
  readonly shown: { inboxSeq: number; shown: Shown | null }[] = []
  readonly files = new FakeFileStore()
  readonly told: string[] = []
  readonly nudged: { group: GroupName; chats: ChatId[] }[] = []
  readonly problems = new GroupProblems({
    clock: this.clock,
    events: this.events,
    tell: (group, problem, since) => void this.told.push(`${group} ${since}: ${problem}`),
  })
  configured = true

  constructor() {
    super()
    this.reader.make(GARDEN)
    this.mailbox.open(GARDEN)
    this.bind(this.room(), GARDEN)
  }

  collect() {
    const { reader, outboxes, dispatches, deliveries, directory, mailbox, events, clock, problems } = this
    return collect(GARDEN, {
      ...{ reader, outboxes, dispatches, deliveries, directory, mailbox, events, clock, problems },
      agents: { nudge: () => undefined },
      board: { show: (_, inboxSeq, __, shown) => void this.shown.push({ inboxSeq, shown }) },
      ...{ files: this.files, maxFileBytes: 1_000, approvals: NO_ASKS, calls: NO_CALLS },
      channelOf: () => (this.configured ? this.channel : undefined),
      nudge: (group, chats) => void this.nudged.push({ group, chats: [...chats] }),
    })
  }

  override [Symbol.dispose](): void {
    void this.files.close()
    super[Symbol.dispose]()
  }

  rejected(): number {
    return this.overview.read().rejectedByGroup.get(GARDEN) ?? 0
  }
}

const reply = (inboxSeq: number, text: string) => ({ type: 'reply', inboxSeq, text })
const settled = (inboxSeq: number) => ({ type: 'settled', inboxSeq, outcome: 'done' })

describe('collect', () => {
  test('keeps what a turn used', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    const counts = { inputTokens: 3, outputTokens: 4, cacheReadTokens: 5 }
    const usage = { type: 'usage', inboxSeq: 1, provider: 'codex', model: 'm', ...counts }
    world.reader.append(GARDEN, usage, settled(1))
    await world.collect()
    expect(world.usage.sum(GARDEN, 0 as UnixMs)).toEqual({
      turns: 1,
      ...counts,
      cacheWriteTokens: 0,
      costUsd: null,
    })
  })

  test('knows that what was handed back waits, so that no turn of it can run for too long', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.reader.append(GARDEN, { type: 'accepted', inboxSeq: 1, attempt: 1, at: 1 })
    world.reader.append(GARDEN, { type: 'returned', inboxSeq: 1 })
    await world.collect()
    expect(world.dispatches.open(GARDEN)).toMatchObject([{ attempts: 1, acceptedAt: null }])
  })

  test('waits with what a quick runner wrote of a message until it is noted where that stands', async () => {
    using world = new CollectorWorld()
    const row = world.give(GARDEN, 'quick')
    world.reader.append(GARDEN, { type: 'accepted', inboxSeq: 7, attempt: 1, at: 1 }, settled(7))
    expect(await world.collect()).toEqual({ waitMs: 5 })
    expect(world.outboxes.cursor(GARDEN)).toBe(0)
    world.dispatches.placed(GARDEN, [{ inboundId: row.id, inboxSeq: 7, told: [] }])
    expect(await world.collect()).toBe('idle')
    expect(world.dispatches.hasOpen(GARDEN)).toBe(false)
    // A message that there is not holds up nothing.
    world.reader.append(GARDEN, settled(9_999), reply(7, 'answer'))
    expect(await world.collect()).toBe('idle')
  })

  test('takes a turn: parts in order with keys of their own, attempts, outcome, and a nudge', async () => {
    using world = new CollectorWorld()
    const row = world.place(GARDEN, 1)
    world.reader.append(GARDEN, { type: 'accepted', inboxSeq: 1, attempt: 1, at: 1 })
    expect(await world.collect()).toBe('idle')
    expect(world.dispatches.open(GARDEN)).toMatchObject([{ attempts: 1, acceptedAt: world.clock.now() }])
    world.reader.append(GARDEN, reply(1, 'a long answer'), reply(1, 'second'), settled(1))
    await world.collect()
    expect(world.outgoing().map(({ part, key }) => [part, key])).toEqual([
      ['a long', 'garden:2:0'],
      [' answer', 'garden:2:1'],
      ['second', 'garden:3:0'],
    ])
    expect(world.dispatches.hasOpen(GARDEN)).toBe(false)
    expect(world.nudged.at(-1)).toEqual({ group: GARDEN, chats: [row.chatId] })
    expect(await world.collect()).toBe('idle')
    expect(world.outgoing()).toHaveLength(3)
  })

  test('cursor and what follows from the entries are one transaction', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.reader.append(GARDEN, reply(1, 'answer'), settled(1))
    world.db.exec("CREATE TRIGGER full BEFORE INSERT ON delivery BEGIN SELECT raise(ABORT, 'full'); END")
    await expect(world.collect()).rejects.toThrow('full')
    expect(world.outboxes.cursor(GARDEN)).toBe(0)
    expect(world.dispatches.hasOpen(GARDEN)).toBe(true)
    world.db.exec('DROP TRIGGER full')
    world.db.exec("CREATE TRIGGER full BEFORE INSERT ON outbox_cursor BEGIN SELECT raise(ABORT, 'full'); END")
    await expect(world.collect()).rejects.toThrow('full')
    expect(world.outgoing()).toEqual([])
    world.db.exec('DROP TRIGGER full')
    await world.collect()
    expect(world.outgoing()).toHaveLength(1)
    expect(world.outboxes.cursor(GARDEN)).toBe(2)
  })

  test('rejects and counts answers to messages it never gave, and entries that are none', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.reader.append(GARDEN, reply(7, 'forged'), { type: 'nonsense' }, reply(1, 'fine'))
    await world.collect()
    expect(world.outgoing().map((row) => row.part)).toEqual(['fine'])
    expect(world.rejected()).toBe(2)
    world.reader.append(GARDEN, { type: 'nonsense' })
    await world.collect()
    expect(world.rejected()).toBe(3)
    expect(world.outboxes.cursor(GARDEN)).toBe(4)
  })

  test('writes nothing to a chat that is not bound to the group any more, not even progress', async () => {
    using world = new CollectorWorld()
    const row = world.place(GARDEN, 1)
    world.directory.unbind(row.chatId, GARDEN)
    world.reader.append(GARDEN, { type: 'progress', inboxSeq: 1, text: 'psst' }, reply(1, 'psst'), settled(1))
    await world.collect()
    expect(world.outgoing()).toEqual([])
    expect(world.shown).toEqual([])
    expect(world.rejected()).toBe(1)
    expect(world.dispatches.hasOpen(GARDEN)).toBe(false)
  })

  test('shows progress only after its batch is on disk, and ends it with the turn', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.reader.append(
      GARDEN,
      { type: 'progress', inboxSeq: 1, text: 'so far', activity: 'shell' },
      settled(1),
    )
    await world.collect()
    expect(world.shown).toMatchObject([
      { inboxSeq: 1, shown: { text: 'so far', activity: 'shell' } },
      { inboxSeq: 1, shown: null },
    ])
  })

  test('an answer for a channel that is gone is a failed one with that reason', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.configured = false
    world.reader.append(GARDEN, reply(1, 'a long answer'))
    await world.collect()
    expect(world.outgoing()).toMatchObject([
      { state: 'failed', reason: 'the channel fake/main is not configured' },
    ])
  })

  test('waits a moment for a writer, and leaves a half-done commit to its writer', async () => {
    using world = new CollectorWorld()
    world.reader.verdicts.set(GARDEN, { kind: 'busy' })
    expect(await world.collect()).toEqual({ waitMs: 3 })
    world.reader.verdicts.set(GARDEN, { kind: 'unfinished' })
    expect(await world.collect()).toBe('idle')
    expect(world.told).toEqual([])
  })

  test('a rejected outbox is a problem of the group, one outage however often it is read, until a clean read', async () => {
    using world = new CollectorWorld()
    world.reader.verdicts.set(GARDEN, { kind: 'rejected', reason: 'not a database' })
    for (let n = 0; n < 3; n += 1) {
      await expect(world.collect()).rejects.toThrow('not a database')
      await world.clock.advance(60_000)
    }
    expect(new Set(world.told).size).toBe(1)
    expect(world.problems.of(GARDEN)).toContain('not a database')
    world.reader.verdicts.delete(GARDEN)
    await world.collect()
    expect(world.problems.of(GARDEN)).toBeNull()
  })

  test('asks for more when there is more', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.reader.append(
      GARDEN,
      ...Array.from({ length: 201 }, () => ({ type: 'progress', inboxSeq: 1, text: '' })),
    )
    expect(await world.collect()).toBe('again')
    expect(await world.collect()).toBe('idle')
    expect(world.outboxes.cursor(GARDEN)).toBe(201)
    world.reader.append(GARDEN, ...['a', 'b', 'c'].map((text) => reply(1, text.repeat(2_900))))
    expect(await world.collect()).toBe('again')
  })

  test('leaves the outbox alone while too much is unsent, and goes on when the chats have caught up', async () => {
    using world = new CollectorWorld()
    const row = world.place(GARDEN, 1)
    world.reader.append(GARDEN, ...Array.from({ length: 502 }, (_, n) => reply(1, `part ${n}`)))
    while ((await world.collect()) === 'again') expect(world.reader.reads.length).toBeLessThan(9)
    const reads = world.reader.reads.length
    expect(world.deliveries.queuedOf(GARDEN)).toBe(502)
    expect(await world.collect()).toEqual({ waitMs: 500 })
    expect(world.reader.reads).toHaveLength(reads)
    for (let n = 0; n < 2; n += 1) {
      const next = world.deliveries.next(row.chatId)
      if (next) world.deliveries.sent(next.id, 'accepted', 'x', world.clock.now())
    }
    expect(await world.collect()).toBe('idle')
  })

  test('trims both logs now and then, keeping what is unsettled', async () => {
    using world = new CollectorWorld()
    for (let n = 1; n <= 3; n += 1) {
      const row = world.give(GARDEN, `message ${n}`)
      const entry = { type: 'cancel', inboxSeq: 1 } as const
      const inboxSeq = world.mailbox.put(GARDEN, `message:${row.id}`, entry, world.clock.now())
      world.dispatches.placed(GARDEN, [{ inboundId: row.id, inboxSeq, told: [] }])
    }
    const progress = Array.from({ length: 256 }, () => ({ type: 'progress', inboxSeq: 1, text: '' }))
    world.reader.append(GARDEN, settled(1), settled(3), ...progress)
    while ((await world.collect()) === 'again') expect(world.reader.reads.length).toBeLessThan(9)
    const left = world.mailbox.rows(GARDEN).map((row) => [row.seq, row.entry.type])
    expect(left).toEqual([
      [2, 'cancel'],
      [4, 'acked'],
    ])
    expect(world.mailbox.rows(GARDEN).at(-1)?.entry).toEqual({ type: 'acked', outboxSeq: 258 })
  })
})

describe('collect, a file', () => {
  const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
  const file = (inboxSeq: number, more: object = {}) => ({
    type: 'file',
    inboxSeq,
    file: HELLO,
    name: 'a/b.txt',
    mime: 'text/html',
    bytes: 5,
    ...more,
  })

  test('is in the store before it is written down, in the order of what was said, and is let go in the sandbox', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.files.left.set(HELLO, 'hello')
    world.reader.append(GARDEN, reply(1, 'before'), file(1, { caption: 'c' }), reply(1, 'after'), settled(1))
    expect(await world.collect()).toBe('again')
    expect(world.files.collected).toEqual([])
    expect(await world.collect()).toBe('idle')
    expect(world.files.collected).toEqual([`${GARDEN} ${HELLO}`])
    const [before, sent, after] = world.outgoing().map(({ part }) => part)
    expect([before, after]).toEqual(['before', 'after'])
    const shown = { sha256: HELLO, name: 'a_b.txt', mime: 'application/octet-stream', bytes: 5, image: null }
    expect(readFilePart(sent ?? '')).toEqual({ file: shown, caption: 'c' })
    const used = world.db.prepare('SELECT file FROM delivery ORDER BY id').pluck().all()
    expect(used).toEqual([null, HELLO, null])
    expect(world.mailbox.rows(GARDEN).map(({ entry }) => entry.type)).toContain('acked')
  })

  test('that is not what it was said to be is told of in its place, and its turn is settled', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.reader.append(GARDEN, file(1), file(1, { bytes: 1_001 }), settled(1))
    await world.collect()
    await world.collect()
    const said = world.outgoing().map(({ part }) => part)
    expect(said.join('')).toContain('"a_b.txt" (5 bytes), could not be taken: it is not there.')
    expect(said.join('')).toContain('could not be taken: it is larger than 1 kB.')
    expect(world.rejected()).toBe(2)
    expect(world.dispatches.hasOpen(GARDEN)).toBe(false)
  })

  test('of a message that the group was never given is not even looked at', async () => {
    using world = new CollectorWorld()
    world.files.left.set(HELLO, 'hello')
    world.reader.append(GARDEN, file(7))
    await world.collect()
    expect([world.files.collected, world.outgoing()]).toEqual([[], []])
    expect(world.rejected()).toBe(1)
  })

  test('is taken again after a disk was full: nothing is skipped', async () => {
    using world = new CollectorWorld()
    world.place(GARDEN, 1)
    world.files.left.set(HELLO, 'hello')
    world.files.failure = new Error('disk full')
    world.reader.append(GARDEN, file(1), settled(1))
    await expect(world.collect()).rejects.toThrow('disk full')
    expect(world.outgoing()).toEqual([])
    world.files.failure = undefined
    await world.collect()
    expect(world.outgoing()).toHaveLength(1)
  })
})
