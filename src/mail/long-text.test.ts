import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { FakeFileStore } from '../../test/fakes/fake-file-store.ts'
import { FakeMailbox } from '../../test/fakes/fake-mailbox.ts'
import { FakeOutboxReader } from '../../test/fakes/fake-outbox-reader.ts'
import { NO_ASKS, NO_CALLS } from '../../test/fakes/no-approvals.ts'
import { GARDEN, HostTables } from '../../test/rig/host-tables.ts'
import { readFilePart } from '../domain/file-part.ts'
import { FileRefusedError } from '../domain/ports/files.ts'
import { GroupProblems } from '../sandboxes/group-problems.ts'
import { collect } from './collector.ts'

const LONG = Array.from({ length: 2_000 }, (_, index) => `word${index}`).join(' ')

class LongWorld extends HostTables {
  readonly reader = new FakeOutboxReader()
  readonly mailbox = new FakeMailbox(this.clock)
  readonly channel = new FakeChannel({ partLimit: 1_000, mostParts: 4 })
  readonly files = new FakeFileStore()

  constructor() {
    super()
    this.reader.make(GARDEN)
    this.mailbox.open(GARDEN)
    this.bind(this.room(), GARDEN)
    this.place(GARDEN, 1)
  }

  async collect(): Promise<void> {
    const { reader, outboxes, dispatches, deliveries, directory, mailbox, events, clock } = this
    const problems = new GroupProblems({ clock, events, tell: () => undefined })
    const nudge = () => undefined
    const ports = { reader, outboxes, dispatches, deliveries, directory, mailbox, events, clock, problems }
    while (
      (await collect(GARDEN, {
        ...{ ...ports, agents: { nudge }, board: { show: nudge }, nudge },
        ...{ files: this.files, maxFileBytes: 100_000, approvals: NO_ASKS, calls: NO_CALLS },
        channelOf: () => this.channel,
      })) === 'again'
    );
  }
}

let world: LongWorld
beforeEach(() => {
  world = new LongWorld()
})
afterEach(async () => {
  await world.files.close()
  world[Symbol.dispose]()
})

const reply = (text: string) => ({ type: 'reply', inboxSeq: 1, text })
const settled = { type: 'settled', inboxSeq: 1, outcome: 'done' }

describe('an answer that is too long for its chat', () => {
  test('is its beginning and a file with all of it, in the order of what was said', async () => {
    world.reader.append(GARDEN, reply('before'), reply(LONG), reply('after'), settled)
    await world.collect()
    const [before, beginning = '', file = '', after, ...rest] = world.outgoing().map(({ part }) => part)
    expect([before, after, rest]).toEqual(['before', 'after', []])
    expect(LONG.startsWith(beginning)).toBe(true)
    const sent = readFilePart(file)
    expect(sent?.file).toMatchObject({ name: 'answer.md', mime: 'text/markdown', bytes: LONG.length })
    expect(readFileSync(world.files.path(sent?.file.sha256 ?? '') ?? '', 'utf8')).toBe(LONG)
    expect(world.attachments.inUse()).toEqual(new Set([sent?.file.sha256]))
    expect(world.dispatches.open(GARDEN)).toEqual([])
  })

  test('comes as messages when it is short enough, or there is no room for a file', async () => {
    const short = LONG.slice(0, 3_100)
    world.reader.append(GARDEN, reply(short))
    await world.collect()
    world.files.failure = new FileRefusedError('there is no room')
    world.reader.append(GARDEN, reply(LONG), settled)
    await world.collect()
    const parts = world.outgoing().map(({ part }) => part)
    expect(parts.every((part) => readFilePart(part) === null)).toBe(true)
    expect(parts.join('').replace(/\s/g, '')).toBe((short + LONG).replace(/\s/g, ''))
  })

  test('is taken again, and shown once, when the disk did not do it', async () => {
    world.files.failure = new Error('the disk is full')
    world.reader.append(GARDEN, reply(LONG), settled)
    await expect(world.collect()).rejects.toThrow('the disk is full')
    expect(world.outgoing()).toEqual([])
    world.files.failure = undefined
    await world.collect()
    expect(world.outgoing()).toHaveLength(2)
  })
})
