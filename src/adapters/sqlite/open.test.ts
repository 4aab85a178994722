import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, test } from 'vitest'
import { isLocked, lockInstance } from './instance-lock.ts'
import { openHostDb } from './open.ts'

const NOBODY = 65_534
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function makePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'creel-open-'))
  folders.push(folder)
  return join(folder, 'host.db')
}

/** Runs as somebody to whom file modes mean something. */
function asOrdinaryUser<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run()
  process.seteuid?.(NOBODY)
  try {
    return run()
  } finally {
    process.seteuid?.(0)
  }
}

function inFolderOfNobody(mode: number): string {
  const path = makePath()
  const folder = join(path, '..', 'data')
  chmodSync(join(path, '..'), 0o755)
  mkdirSync(folder)
  if (process.geteuid?.() === 0) chownSync(folder, NOBODY, NOBODY)
  chmodSync(folder, mode)
  return join(folder, 'host.db')
}

function change(path: string, sql: string): void {
  const db = new Database(path)
  db.exec(sql)
  db.close()
}

describe('openHostDb', () => {
  test('makes the tables once and keeps what is in them', () => {
    const path = makePath()
    openHostDb(path).close()
    change(path, "INSERT INTO person VALUES ('fake:a', 'A', 0, 1)")
    const db = openHostDb(path)
    expect(db.prepare('SELECT count(*) AS n FROM person').get()).toEqual({ n: 1 })
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(db.pragma('synchronous', { simple: true })).toBe(2)
    expect(db.pragma('foreign_keys', { simple: true })).toBe(1)
    db.close()
  })

  test('refuses a breaking step of a newer Creel, and takes one that breaks nothing', () => {
    const path = makePath()
    openHostDb(path).close()
    change(path, "INSERT INTO migration VALUES ('0998-added.sql', 0)")
    openHostDb(path).close()
    change(path, "INSERT INTO migration VALUES ('0999-changed.sql', 1)")
    expect(() => openHostDb(path)).toThrow(
      expect.objectContaining({ code: 'conflict', message: expect.stringContaining('0999-changed.sql') }),
    )
  })

  test('an older file is copied before it is changed, and what it held means the same', () => {
    const path = makePath()
    const first = readFileSync(join(import.meta.dirname, 'migrations', '0001-init.sql'), 'utf8')
    const old = new Database(path)
    old.exec('CREATE TABLE migration (name TEXT PRIMARY KEY, breaking INTEGER NOT NULL) STRICT')
    old.exec(first)
    old.exec("INSERT INTO migration VALUES ('0001-init.sql', 1)")
    old.exec("INSERT INTO chat VALUES (1, 'fake', 'main', 'room', 'group', 'Room', 0, 0)")
    for (const state of ['queued', 'sending', 'sent', 'failed']) {
      old.exec(
        `INSERT INTO delivery (chat_id, thread, part, key, state, created_at) VALUES (1, '', 'x', '${state}', '${state}', 5)`,
      )
    }
    old.close()
    const db = openHostDb(path)
    expect(db.prepare('SELECT key, state FROM delivery ORDER BY id').raw().all()).toEqual([
      ['queued', 'queued'],
      ['sending', 'sending'],
      ['sent', 'accepted'],
      ['failed', 'failed'],
    ])
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    db.close()
    const copies = readdirSync(join(path, '..')).filter((name) => name.includes('.before-'))
    expect(copies).toHaveLength(1)
    const copy = new Database(join(path, '..', copies[0] ?? ''), { readonly: true })
    expect(copy.prepare("SELECT count(*) FROM delivery WHERE state = 'sent'").pluck().get()).toBe(1)
    copy.close()
    openHostDb(path).close()
    expect(readdirSync(join(path, '..')).filter((name) => name.includes('.before-'))).toEqual(copies)
  })

  test('says that a file is damaged, and leaves it as it is', () => {
    const path = makePath()
    const text = 'no database, '.repeat(1_000)
    writeFileSync(path, text)
    expect(() => openHostDb(path)).toThrow(expect.objectContaining({ code: 'internal' }))
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  test('says what to do about a folder that cannot be written or is not there', () => {
    const path = inFolderOfNobody(0o555)
    const refused = expect.objectContaining({ code: 'unavailable', hint: expect.stringContaining('folder') })
    expect(() => asOrdinaryUser(() => openHostDb(path))).toThrow(refused)
    expect(() => openHostDb(join(path, 'nowhere', 'host.db'))).toThrow(refused)
  })
})

describe('lockInstance', () => {
  test('holds against everybody else until it is given back', () => {
    const path = makePath()
    const lock = lockInstance(path)
    expect(() => lockInstance(path)).toThrow(expect.objectContaining({ code: 'conflict' }))
    expect(isLocked(path)).toBe(true)
    lock[Symbol.dispose]()
    expect(isLocked(path)).toBe(false)
    lockInstance(path)[Symbol.dispose]()
  })

  test('says which file cannot be locked, and what to do', () => {
    const path = inFolderOfNobody(0o555)
    const refused = expect.objectContaining({
      code: 'unavailable',
      message: expect.stringContaining('host.db'),
    })
    expect(() => asOrdinaryUser(() => lockInstance(path))).toThrow(refused)
    const damaged = makePath()
    writeFileSync(damaged, 'no database, '.repeat(1_000))
    expect(() => lockInstance(damaged)).toThrow(expect.objectContaining({ code: 'unavailable' }))
  })
})
