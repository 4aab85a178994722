import { MAX_TEXT, type OutboxEntry } from '@creel/protocol'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ChatId } from '../../src/domain/ids.ts'
import { MAX_ELSEWHERE_PER_HOUR } from '../../src/mail/authorise.ts'
import { collect } from '../../src/mail/collector.ts'
import { GroupProblems } from '../../src/sandboxes/group-problems.ts'
import { FakeChannel } from '../fakes/fake-channel.ts'
import { FakeFileStore } from '../fakes/fake-file-store.ts'
import { NO_ASKS, NO_CALLS } from '../fakes/no-approvals.ts'
import { HostTables } from '../rig/host-tables.ts'
import { EVIL, GOOD, OutboxWorld } from './outbox-world.ts'

/** A sandbox that wants to write where it may not: its outbox is real, and so are the host's tables. */
let world: OutboxWorld
let tables: HostTables
let own: ChatId
let others: ChatId
let asked: ChatId
beforeEach(() => {
  world = new OutboxWorld()
  tables = new HostTables()
  asked = tables.room()
  own = tables.room('own')
  others = tables.room('others')
  tables.bind(asked, EVIL)
  tables.bind(own, EVIL)
  tables.bind(others, GOOD)
  tables.place(EVIL, 1)
})
afterEach(async () => {
  tables[Symbol.dispose]()
  await world[Symbol.asyncDispose]()
})

const send = (to: string, text: string, inboxSeq = 1): OutboxEntry => ({
  ...{ type: 'send', inboxSeq, key: `${to}:${text}`.slice(0, 100) },
  ...{ to, text },
})

/** Reads the whole outbox, as the host does; returns what is to go where. */
async function taken(): Promise<{ chat_id: number; part: string }[]> {
  const { outboxes, dispatches, deliveries, directory, events, clock } = tables
  const problems = new GroupProblems({ clock, events, tell: () => undefined })
  const files = new FakeFileStore()
  for (let n = 0; n < 10; n++) {
    const step = await collect(EVIL, {
      ...{ outboxes, dispatches, deliveries, directory, events, clock, problems, files },
      ...{ reader: world.reader, mailbox: world.mailbox, maxFileBytes: 1_000 },
      board: { show: () => undefined },
      agents: { nudge: () => undefined },
      approvals: NO_ASKS,
      calls: NO_CALLS,
      channelOf: () => new FakeChannel({ partLimit: 1_000_000 }),
      nudge: () => undefined,
    })
    if (step === 'idle') break
  }
  await files.close()
  return tables.db
    .prepare<[], { chat_id: number; part: string }>('SELECT chat_id, part FROM delivery ORDER BY id')
    .all()
    .filter(({ part }) => part !== 'hello')
}

describe('a message into another chat', () => {
  test('goes to a chat of the group itself, by its number', async () => {
    world.append(EVIL, send(`own-${own}`, 'fine'), send(`renamed-meanwhile-${own}`, 'as well'))
    expect(await taken()).toEqual([
      { chat_id: own, part: 'fine' },
      { chat_id: own, part: 'as well' },
    ])
  })

  test('goes nowhere else, whatever it is called', async () => {
    const names = [
      `others-${others}`,
      `own-${own}-${others}`,
      'own',
      'own-',
      `own--${others}`,
      'own-0',
      'own-999999',
    ]
    const odd = [
      `own-${own} `,
      `own-${own}.0`,
      `own-0x${own}`,
      `own-${own}e0`,
      `own-９`,
      `-${others}`,
      "own-1' OR 1=1 --",
    ]
    world.append(EVIL, ...[...names, ...odd].map((name) => send(name, 'forged')), send(`own-${own}`, 'fine'))
    expect(await taken()).toEqual([{ chat_id: own, part: 'fine' }])
    expect(tables.overview.read().rejectedByGroup.get(EVIL)).toBe(names.length + odd.length)
  })

  test('needs a message that the group was given, in a chat that is still its own', async () => {
    world.append(EVIL, send(`own-${own}`, 'of nothing', 77))
    tables.directory.unbind(asked, EVIL)
    world.append(EVIL, send(`own-${own}`, 'of before'))
    expect(await taken()).toEqual([])
  })

  test('is not sent once the chat is denied or taken from the group', async () => {
    tables.directory.setDenied(own, true)
    world.append(EVIL, send(`own-${own}`, 'denied'))
    expect(await taken()).toEqual([])
    tables.directory.setDenied(own, false)
    tables.directory.unbind(own, EVIL)
    world.append(EVIL, send(`own-${own}`, 'unbound'))
    expect(await taken()).toEqual([])
  })

  test('comes only so often in an hour, in one read or in many, and the answer still gets through', async () => {
    const flood = (n: number) => Array.from({ length: n }, (_, i) => send(`own-${own}`, `spam ${n} ${i}`))
    world.append(EVIL, ...flood(40))
    await taken()
    world.append(EVIL, ...flood(300), { type: 'reply', inboxSeq: 1, text: 'the answer' })
    const all = await taken()
    expect(all.filter(({ chat_id }) => chat_id === own)).toHaveLength(MAX_ELSEWHERE_PER_HOUR)
    expect(all.at(-1)).toEqual({ chat_id: asked, part: 'the answer' })
    await tables.clock.advance(3_600_001)
    world.append(EVIL, send(`own-${own}`, 'an hour later'))
    expect((await taken()).at(-1)).toEqual({ chat_id: own, part: 'an hour later' })
  })

  test('of a giant text, or with a giant name, is no entry at all', async () => {
    world.append(
      EVIL,
      send(`own-${own}`, 'x'.repeat(MAX_TEXT + 1)),
      send(`${'n'.repeat(200)}-${own}`, 'name'),
    )
    world.append(EVIL, send(`own-${own}`, ''))
    expect(await taken()).toEqual([])
    expect(tables.overview.read().rejectedByGroup.get(EVIL)).toBe(3)
  })

  test('is taken once, by its place, whatever the sandbox makes of it afterwards', async () => {
    world.append(EVIL, send(`own-${own}`, 'one'))
    expect(await taken()).toHaveLength(1)
    expect(await taken()).toHaveLength(1)
    const db = new Database(world.outbox)
    db.exec("UPDATE entry SET body = replace(body, 'one', 'two') WHERE type = 'send'")
    db.close()
    // What was taken is known by its place: a rewritten past is not looked at.
    expect(await taken()).toEqual([{ chat_id: own, part: 'one' }])
  })
})
