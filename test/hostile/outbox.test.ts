import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { OUTBOX_DDL } from '@creel/protocol'
import { expect, it } from 'vitest'
import { errorText } from '../../src/domain/errors.ts'
import type { OutboxBatch } from '../../src/domain/ports/mailbox.ts'
import { EVIL, GOOD, OutboxWorld, reply } from './outbox-world.ts'

const healthy = { kind: 'entries', items: [{ seq: 1, entry: reply('hello') }] }

/**
 * Ruins the outbox, reads it while a healthy group is read as well, and returns what came of it. The healthy group
 * must be served after one deadline at the most, and at once the next time.
 */
async function attack(world: OutboxWorld, ruin: () => void): Promise<OutboxBatch> {
  const { reader } = world
  let begun = performance.now()
  expect(await reader.read(GOOD, 0, 10)).toMatchObject(healthy)
  // What a process takes to start says how busy this machine is: 0.2 s when it is not.
  const startMs = performance.now() - begun
  const soonMs = 500 + 2 * startMs
  // Half a second is the deadline of the first lane; a fresh process may have to be waited for.
  const firstHangMs = 1_000 + 2 * startMs
  ruin()
  const evil = reader.read(EVIL, 0, 1_000)
  // Awaited below; a failure on the way there must not turn up as an unhandled one as well.
  evil.catch(() => undefined)
  begun = performance.now()
  expect(await reader.read(GOOD, 0, 10)).toMatchObject(healthy)
  expect(performance.now() - begun).toBeLessThan(firstHangMs)
  const result = await evil
  const again = reader.read(EVIL, 0, 1_000)
  again.catch(() => undefined)
  begun = performance.now()
  expect(await reader.read(GOOD, 0, 10)).toMatchObject(healthy)
  expect(performance.now() - begun).toBeLessThan(soonMs)
  expect((await again).kind).toBe(result.kind)
  return result
}

/** Attacks on the file itself. A sandbox cannot replace it (sticky folder); these ask what if it could. */
const FILE_ATTACKS: Record<string, { ruin: (world: OutboxWorld) => void; reason: string }> = {
  'a link to another outbox': {
    ruin: (w) => {
      rmSync(w.outbox)
      symlinkSync(w.paths.outbox(GOOD), w.outbox)
    },
    reason: 'not a regular file',
  },
  'a second name of another outbox': {
    ruin: (w) => {
      rmSync(w.outbox)
      linkSync(w.paths.inbox(EVIL), w.outbox)
    },
    reason: 'hard link',
  },
  'a FIFO': {
    ruin: (w) => {
      rmSync(w.outbox)
      execFileSync('mkfifo', [w.outbox])
    },
    reason: 'not a regular file',
  },
  'a folder': {
    ruin: (w) => {
      rmSync(w.outbox)
      mkdirSync(w.outbox)
    },
    reason: 'not a regular file',
  },
  'nothing at all': { ruin: (w) => rmSync(w.outbox), reason: 'missing' },
  'an empty file': { ruin: (w) => truncateSync(w.outbox, 0), reason: 'empty' },
  'a terabyte of holes': { ruin: (w) => truncateSync(w.outbox, 2 ** 40), reason: 'more than' },
  'random bytes': {
    ruin: (w) => writeFileSync(w.outbox, Buffer.alloc(9_000, 0xa7)),
    reason: 'SQLITE_NOTADB',
  },
  'another database': {
    ruin: (w) => w.sql((db) => db.exec('CREATE TABLE other (x)')),
    reason: 'schema',
  },
  'another protocol': { ruin: (w) => w.sql((db) => db.pragma('user_version = 9')), reason: 'protocol 9' },
  'write-ahead logging': {
    ruin: (w) => w.sql((db) => db.pragma('journal_mode = WAL')),
    reason: 'SQLITE_IOERR_LOCK',
  },
  'a planted -wal': {
    ruin: (w) => symlinkSync(w.paths.outbox(GOOD), `${w.outbox}-wal`),
    reason: 'unexpected -wal',
  },
  'a planted -shm': { ruin: (w) => symlinkSync('/nowhere', `${w.outbox}-shm`), reason: 'unexpected -shm' },
  'a FIFO as its journal': {
    ruin: (w) => execFileSync('mkfifo', [`${w.outbox}-journal`]),
    reason: 'journal is not a regular file',
  },
}

it.each(Object.entries(FILE_ATTACKS))('rejects %s', async (_name, { ruin, reason }) => {
  await using world = new OutboxWorld()
  const batch = await attack(world, () => ruin(world))
  expect(batch).toEqual({ kind: 'rejected', reason: expect.stringContaining(reason) })
  expect(existsSync(`${world.paths.outbox(GOOD)}-wal`)).toBe(false)
})

it('rejects a device (skipped where none can be made)', async ({ skip }) => {
  await using world = new OutboxWorld()
  rmSync(world.outbox)
  try {
    execFileSync('mknod', [world.outbox, 'c', '1', '5'], { stdio: 'pipe' })
  } catch (error) {
    skip(`no device can be made here: ${errorText(error)}`)
  }
  expect(await attack(world, () => undefined)).toMatchObject({ kind: 'rejected' })
})

/** Attacks through SQL: the file stays ours, what it holds does not. */
const SCHEMA_ATTACKS: Record<string, string> = {
  'an endless view in place of the table': `DROP TABLE entry; CREATE VIEW entry AS
    WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n) SELECT seq, 'x' AS body FROM n WHERE seq < 0`,
  'a trigger': `CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END`,
  'a generated column of gigabytes': `DROP TABLE entry; CREATE TABLE entry (seq INTEGER PRIMARY KEY,
    body TEXT AS (hex(zeroblob(400000000))))`,
  'a virtual table': `CREATE VIRTUAL TABLE v USING fts5(x)`,
  'one index less': 'DROP INDEX entry_ref',
  'a table that looks alike': `DROP TABLE entry; ${OUTBOX_DDL[0].replace('seq', 'seq ')}; ${OUTBOX_DDL[1]}`,
}

it.each(Object.entries(SCHEMA_ATTACKS))('rejects %s', async (_name, statements) => {
  await using world = new OutboxWorld()
  const batch = await attack(world, () => world.sql((db) => db.exec(statements)))
  expect(batch).toEqual({ kind: 'rejected', reason: 'the schema is not that of an outbox' })
})

it('gives up on a schema of a million tables, and the others wait for it once', async () => {
  await using world = new OutboxWorld()
  const batch = await attack(world, () => millionTables(world))
  expect(batch).toEqual({ kind: 'rejected', reason: expect.stringContaining('no answer within') })
})

/** SQLite parses the whole schema before the first statement: legal, and far slower than any deadline. */
function millionTables(world: OutboxWorld): void {
  world.sql((db) => {
    db.pragma('synchronous = OFF')
    db.pragma('writable_schema = ON')
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
      INSERT INTO sqlite_schema SELECT 'table', 't' || i, 't' || i, 2, 'CREATE TABLE t' || i || '(a,b,c,d,e,f,g,h)' FROM n`)
  })
}

/** One bad body each; the good entry after it must come through. */
const BODY_ATTACKS: Record<string, Buffer | string> = {
  'an unknown type': '{"type":"shutdown","inboxSeq":1}',
  'text that is not JSON': 'reply',
  'a thousand levels': `${'['.repeat(500_000)}`,
  'levels inside a reply': `{"type":"reply","inboxSeq":1,"text":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`,
  'text longer than allowed': JSON.stringify(reply('x'.repeat(200_001))),
  'a body of 20 MB': JSON.stringify(reply('x'.repeat(20_000_000))),
  'a position that is no number': '{"type":"reply","inboxSeq":"1; DROP","text":"x"}',
  'a number beyond all': '{"type":"reply","inboxSeq":1e999,"text":"x"}',
  'a body that is no object': 'null',
}

it.each(Object.entries(BODY_ATTACKS))('sets %s apart and goes on', async (_name, body) => {
  await using world = new OutboxWorld()
  const batch = await attack(world, () => {
    world.sql((db) => db.prepare("INSERT INTO entry VALUES (2, 1, 'reply', 1, ?)").run(body))
    world.append(EVIL, reply('after'))
  })
  expect(batch).toEqual({
    kind: 'entries',
    items: [
      { seq: 1, entry: reply('hello') },
      { seq: 2, rejected: expect.any(String) },
      { seq: 3, entry: reply('after') },
    ],
    more: false,
  })
})

it('lets no __proto__ through and reads broken UTF-8 as replacement characters', async () => {
  await using world = new OutboxWorld()
  const batch = await attack(world, () =>
    world.sql((db) => {
      const insert = db.prepare("INSERT INTO entry VALUES (?, 1, 'reply', 1, CAST(? AS TEXT))")
      insert.run(2, '{"type":"reply","inboxSeq":1,"text":"x","__proto__":{"polluted":1},"extra":1}')
      insert.run(
        3,
        Buffer.from(
          '7b2274797065223a227265706c79222c22696e626f78536571223a312c2274657874223a22fffe227d',
          'hex',
        ),
      )
    }),
  )
  expect(batch).toMatchObject({
    items: [{ seq: 1 }, { seq: 2, entry: reply('x') }, { seq: 3, entry: { text: '\uFFFD\uFFFD' } }],
  })
  const entry =
    batch.kind === 'entries' && batch.items[1] && 'entry' in batch.items[1] && batch.items[1].entry
  expect(Object.keys(entry || {})).toEqual(['type', 'inboxSeq', 'text'])
  expect('polluted' in {}).toBe(false)
})

it('rejects positions beyond what a number holds, and ignores those below one', async () => {
  await using world = new OutboxWorld()
  const put = (seq: bigint) =>
    world.sql((db) => db.prepare("INSERT INTO entry VALUES (?, 1, 'x', 1, '{}')").run(seq))
  put(-9223372036854775808n)
  expect(await world.reader.read(EVIL, 0, 10)).toMatchObject({ kind: 'entries', items: [{ seq: 1 }] })
  const batch = await attack(world, () => put(9223372036854775807n))
  expect(batch).toEqual({ kind: 'rejected', reason: expect.stringContaining('out of range') })
})

it('takes gaps as they come and rejects a rewind until it is undone', async () => {
  await using world = new OutboxWorld()
  world.sql((db) => db.exec('INSERT INTO entry SELECT 4000000000, at, type, ref, body FROM entry'))
  expect(await world.reader.read(EVIL, 1, 10)).toMatchObject({ items: [{ seq: 4_000_000_000 }] })
  world.sql((db) => db.exec('DELETE FROM entry WHERE seq > 1'))
  expect(await world.reader.read(EVIL, 4_000_000_000, 10)).toMatchObject({
    kind: 'rejected',
    reason: expect.stringContaining('rewound'),
  })
  expect(await world.reader.read(EVIL, 0, 10)).toMatchObject(healthy)
})

it('reads a hundred thousand rows in bounded batches', async () => {
  await using world = new OutboxWorld()
  world.sql((db) =>
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
      INSERT INTO entry SELECT i, 1, 'reply', 1, (SELECT body FROM entry WHERE seq = 1) FROM n`),
  )
  const batch = await attack(world, () => undefined)
  expect(batch).toMatchObject({ kind: 'entries', more: true })
  expect(batch.kind === 'entries' && batch.items.length).toBe(1_000)
  world.sql((db) =>
    db.prepare('UPDATE entry SET body = ? WHERE seq < 50').run(JSON.stringify(reply('é'.repeat(190_000)))),
  )
  const heavy = await world.reader.read(EVIL, 0, 1_000)
  expect(heavy).toMatchObject({ kind: 'entries', more: true })
  expect(heavy.kind === 'entries' && heavy.items.length).toBeLessThan(15)
})

it('never acts on a planted journal: the host file that it names is still there', async () => {
  await using world = new OutboxWorld()
  const kill = await world.hold(
    world.outbox,
    `db.pragma('cache_size = 1'); db.exec('BEGIN'); const s = db.prepare("INSERT INTO entry VALUES (?, 1, 'x', 1, ?)");
     for (let i = 2; i < 500; i++) s.run(i, 'y'.repeat(1000))`,
  )
  await kill()
  const precious = join(world.root, 'precious')
  writeFileSync(precious, 'still here')
  plantSuperJournal(`${world.outbox}-journal`, precious)
  const journal = readFileSync(`${world.outbox}-journal`)
  const batch = await attack(world, () => undefined)
  expect(['unfinished', 'rejected', 'busy']).toContain(batch.kind)
  expect(readFileSync(precious, 'utf8')).toBe('still here')
  expect(readFileSync(`${world.outbox}-journal`)).toEqual(journal)
  expect(lstatSync(world.outbox).isFile()).toBe(true)
})

/** The record at a journal's end that names a super-journal (https://sqlite.org/fileformat2.html, section 3). */
function plantSuperJournal(journal: string, target: string): void {
  const name = Buffer.from(target)
  const tail = Buffer.alloc(16)
  tail.writeUInt32BE(name.length, 0)
  tail.writeUInt32BE(
    name.reduce((sum, byte) => sum + byte, 0),
    4,
  )
  Buffer.from('d9d505f920a163d7', 'hex').copy(tail, 8)
  const lockPage = Buffer.alloc(4)
  writeFileSync(journal, Buffer.concat([readFileSync(journal), lockPage, name, tail]))
}
