import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createOutbox, InboxReader, InboxWriter, OutboxWriter } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-logs-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const acked = (outboxSeq: number) => ({ type: 'acked', outboxSeq }) as const
const settled = (inboxSeq: number) => ({ type: 'settled', inboxSeq, outcome: 'done' }) as const
const accepted = (inboxSeq: number, attempt: number) =>
  ({ type: 'accepted', inboxSeq, attempt, at: 1 }) as const

/** Dies in the middle of a commit whose pages are on disk already: leaves a hot journal. */
function killInsideCommit(path: string, insert: string): void {
  const script = `
    import Database from 'better-sqlite3'
    const db = new Database(process.argv[1])
    db.pragma('journal_mode = DELETE')
    db.pragma('cache_size = 1')
    db.exec('BEGIN IMMEDIATE')
    const row = db.prepare(process.argv[2])
    for (let n = 0; n < 200; n++) row.run('k' + n, 'x'.repeat(4000))
    process.kill(process.pid, 'SIGKILL')`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, path, insert], {
    cwd: import.meta.dirname,
  })
  expect(child.signal, child.stderr.toString()).toBe('SIGKILL')
  expect(existsSync(`${path}-journal`)).toBe(true)
}

describe('inbox', () => {
  it('puts the same key once', () => {
    using inbox = new InboxWriter(join(folder, 'inbox.db'))
    expect(inbox.put('a', acked(1), 1)).toBe(1)
    expect(inbox.put('b', acked(2), 1)).toBe(2)
    expect(inbox.put('a', acked(9), 1)).toBe(1)
    using reader = new InboxReader(join(folder, 'inbox.db'))
    expect(reader.after(0, 10)).toEqual([
      { seq: 1, entry: acked(1) },
      { seq: 2, entry: acked(2) },
    ])
    expect(reader.after(1, 10).map((row) => row.seq)).toEqual([2])
  })

  it('prunes all but the kept and the newest, and never uses a position twice', () => {
    using inbox = new InboxWriter(join(folder, 'inbox.db'))
    using reader = new InboxReader(join(folder, 'inbox.db'))
    expect(reader.oldest()).toBeNull()
    for (let n = 1; n <= 5; n++) inbox.put(`k${n}`, acked(n), 1)
    inbox.prune(5, [2])
    expect(reader.after(0, 10).map((row) => row.seq)).toEqual([2, 5])
    expect(reader.oldest()).toBe(2)
    expect(inbox.put('k6', acked(6), 1)).toBe(6)
  })

  it('is healed by its writer alone after a kill inside a commit', () => {
    const path = join(folder, 'inbox.db')
    {
      using inbox = new InboxWriter(path)
      inbox.put('before', acked(1), 1)
    }
    killInsideCommit(path, "INSERT INTO entry (at, key, type, body) VALUES (1, ?, 'acked', ?)")
    expect(() => new InboxReader(path)).toThrow(expect.objectContaining({ code: 'SQLITE_READONLY_ROLLBACK' }))
    using inbox = new InboxWriter(path)
    using reader = new InboxReader(path)
    expect(reader.after(0, 10)).toEqual([{ seq: 1, entry: acked(1) }])
    expect(inbox.put('after', acked(2), 1)).toBe(2)
    expect(reader.after(1, 10)).toEqual([{ seq: 2, entry: acked(2) }])
  })

  it('of another protocol is refused', () => {
    const path = join(folder, 'inbox.db')
    new Database(path).pragma('user_version = 99')
    expect(() => new InboxReader(path)).toThrow(/expected mailbox protocol 1, got 99/)
  })
})

describe('outbox', () => {
  function open(): OutboxWriter {
    const path = join(folder, 'outbox.db')
    if (!existsSync(path)) createOutbox(path)
    return new OutboxWriter(path)
  }

  it('appends all entries or none', () => {
    using outbox = open()
    expect(outbox.append([accepted(1, 1), settled(1)], 1)).toBe(2)
    const bad = { ...settled(2), inboxSeq: JSON.parse('"not a number"') }
    expect(() => outbox.append([settled(3), bad], 1)).toThrow()
    expect([...outbox.settled()]).toEqual([1])
    expect(outbox.append([settled(4)], 1)).toBe(3)
  })

  it('counts the attempts that were not handed back', () => {
    using outbox = open()
    expect(outbox.attempts(1)).toBe(0)
    outbox.append([accepted(1, 1), accepted(2, 1), { type: 'returned', inboxSeq: 1 }], 1)
    expect(outbox.attempts(1)).toBe(0)
    outbox.append([accepted(1, 1), accepted(1, 2)], 1)
    expect(outbox.attempts(1)).toBe(2)
    expect(outbox.attempts(2)).toBe(1)
  })

  it('prune keeps settlements and attempts of entries still in the inbox, and never reuses a position', () => {
    using outbox = open()
    outbox.append([accepted(1, 1), { type: 'reply', inboxSeq: 1, text: 'hi' }, settled(1)], 1)
    outbox.append([accepted(2, 1), { type: 'reply', inboxSeq: 2, text: 'hi' }, settled(2)], 1)
    const last = outbox.append([accepted(3, 1), { type: 'returned', inboxSeq: 3 }, accepted(3, 1)], 1)
    outbox.prune(last, 2)
    expect([...outbox.settled()]).toEqual([2])
    expect(outbox.attempts(1)).toBe(0)
    expect(outbox.attempts(3)).toBe(1)
    outbox.prune(last, 100)
    expect([...outbox.settled()]).toEqual([])
    expect(outbox.append([settled(4)], 1)).toBe(last + 1)
  })

  it('is healed when its writer opens it after a kill inside a commit', () => {
    {
      using outbox = open()
      outbox.append([settled(1)], 1)
    }
    const path = join(folder, 'outbox.db')
    killInsideCommit(path, 'INSERT INTO entry (at, type, ref, body) VALUES (1, ?, 7, ?)')
    const asHost = new Database(path, { readonly: true })
    expect(() => asHost.prepare('SELECT count(*) FROM entry').get()).toThrow(
      expect.objectContaining({ code: 'SQLITE_READONLY_ROLLBACK' }),
    )
    asHost.close()
    using outbox = open()
    expect([...outbox.settled()]).toEqual([1])
    expect(outbox.append([settled(2)], 1)).toBe(2)
  })
})
