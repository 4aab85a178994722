import { chownSync, linkSync, statSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { UnixMs } from '../../src/domain/ids.ts'
import { SANDBOX_USER } from '../../src/sandbox-user.ts'
import { EVIL, GOOD, OutboxWorld, reply } from './outbox-world.ts'

const AT = 1 as UnixMs
const INSERTS = `db.pragma('cache_size = 1'); db.exec('BEGIN');
  const s = db.prepare("INSERT INTO entry (at, type, ref, body) VALUES (1, 'x', 1, ?)");
  for (let i = 0; i < 500; i++) s.run('y'.repeat(1000))`

it('says busy at once, each time, while a writer holds the outbox for ever', async () => {
  await using world = new OutboxWorld()
  await world.reader.read(GOOD, 0, 10)
  const release = await world.hold(world.outbox, `db.exec('BEGIN EXCLUSIVE')`)
  for (let i = 0; i < 20; i++) {
    const begun = performance.now()
    expect(await world.reader.read(EVIL, 0, 10)).toEqual({ kind: 'busy' })
    expect(await world.reader.read(GOOD, 0, 10)).toMatchObject({ kind: 'entries' })
    expect(performance.now() - begun).toBeLessThan(1_000)
  }
  await release()
  expect(await world.reader.read(EVIL, 0, 10)).toMatchObject({ kind: 'entries' })
})

it('says unfinished when a writer was killed in its commit, until the writer has opened the file again', async () => {
  await using world = new OutboxWorld()
  const kill = await world.hold(world.outbox, INSERTS)
  await kill()
  expect(await world.reader.read(EVIL, 0, 10)).toEqual({ kind: 'unfinished' })
  expect(await world.reader.read(EVIL, 0, 10)).toEqual({ kind: 'unfinished' })
  world.append(EVIL, reply('healed'))
  expect(await world.reader.read(EVIL, 0, 10)).toMatchObject({
    kind: 'entries',
    items: [
      { seq: 1, entry: reply('hello') },
      { seq: 2, entry: reply('healed') },
    ],
  })
})

const isRoot = process.getuid?.() === 0
if (!isRoot) console.error('skipped: the owner of a journal: only root can give files away')

it.skipIf(!isRoot).each([
  ['that is its own', SANDBOX_USER.uid],
  ['that SQLite has made the host’s', 0],
])('leaves a sandbox a journal %s, after any look', async (_, owner) => {
  await using world = new OutboxWorld()
  const journal = `${world.outbox}-journal`
  // As a commit has it in its first moments; nobody holds a lock: SQLite opens it to see whether it is in use.
  writeFileSync(journal, Buffer.alloc(512), { mode: 0o666 })
  chownSync(journal, owner, owner)
  expect(await world.reader.read(EVIL, 0, 10)).toMatchObject({ kind: 'entries', items: [{ seq: 1 }] })
  expect(statSync(journal).uid).toBe(SANDBOX_USER.uid)
})

it.skipIf(!isRoot)('does not give away an outbox that a sandbox has named like its journal', async () => {
  await using world = new OutboxWorld()
  linkSync(world.outbox, `${world.outbox}-journal`)
  expect(await world.reader.read(EVIL, 0, 10)).toMatchObject({ kind: 'rejected' })
  world.mailbox.open(EVIL)
  expect(statSync(world.outbox).uid).toBe(0)
})

it('reads beside a writer that has begun, and the writer commits beside a reader', async () => {
  await using world = new OutboxWorld()
  await world.hold(world.outbox, `db.exec('BEGIN IMMEDIATE')`)
  expect(await world.reader.read(EVIL, 0, 10)).toMatchObject({ kind: 'entries', items: [{ seq: 1 }] })
})

it('backs off soon when a sandbox holds the inbox for ever, and serves the others', async () => {
  await using world = new OutboxWorld()
  world.mailbox.put(EVIL, 'k1', { type: 'cancel', inboxSeq: 1 }, AT)
  const release = await world.hold(
    world.paths.inbox(EVIL),
    `db.exec('BEGIN'); db.prepare('SELECT * FROM entry').all()`,
  )
  for (let i = 0; i < 5; i++) {
    const begun = performance.now()
    expect(() => world.mailbox.put(EVIL, 'k2', { type: 'cancel', inboxSeq: 2 }, AT)).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    )
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(world.mailbox.put(GOOD, `k${i}`, { type: 'cancel', inboxSeq: 1 }, AT)).toBe(i + 1)
  }
  await release()
  expect(world.mailbox.put(EVIL, 'k2', { type: 'cancel', inboxSeq: 2 }, AT)).toBe(2)
})
