import type Database from 'better-sqlite3'
import type { CallAnswer, HostCallRow } from '../../domain/host-call.ts'
import type { GroupName, UnixMs, UserId } from '../../domain/ids.ts'
import type { HostCallStore } from '../../domain/ports/host-calls.ts'
import { relaxedSync } from './relaxed-sync.ts'
import { Statements } from './statements.ts'

interface Columns {
  id: number
  inbox_seq: number
  call_id: string
  name: string
  args: string
  at: number
  ok: number | null
  answer: string | null
}

export class SqliteHostCallStore implements HostCallStore {
  readonly #db: Database.Database
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
  }

  groupsWithWork(): readonly GroupName[] {
    return this.#statements
      .prepare<[], { group_name: string }>('SELECT DISTINCT group_name FROM host_call WHERE told = 0')
      .all()
      .map((row) => row.group_name as GroupName)
  }

  withWork(group: GroupName, limit: number): readonly HostCallRow[] {
    return this.#statements
      .prepare<[string, number], Columns>(
        'SELECT * FROM host_call WHERE group_name = ? AND told = 0 ORDER BY id LIMIT ?',
      )
      .all(group, limit)
      .map((row) => ({
        ...{ id: row.id, group, inboxSeq: row.inbox_seq, callId: row.call_id, name: row.name },
        ...{ args: row.args, at: row.at as UnixMs },
        answer: row.ok === null ? null : { ok: row.ok === 1, text: row.answer ?? '' },
      }))
  }

  countSince(group: GroupName, since: UnixMs, now: UnixMs): number {
    const row = this.#statements
      .prepare<[string, number, number], { n: number }>(
        'SELECT count(*) AS n FROM host_call WHERE group_name = ? AND at > ? AND at <= ?',
      )
      .get(group, since, now)
    return row?.n ?? 0
  }

  answer(id: number, { ok, text }: CallAnswer): void {
    this.#statements
      .prepare('UPDATE host_call SET ok = ?, answer = ? WHERE id = ? AND ok IS NULL')
      .run(ok ? 1 : 0, text, id)
  }

  told(ids: readonly number[]): void {
    relaxedSync(this.#db, () =>
      this.#statements
        .prepare('UPDATE host_call SET told = 1 WHERE id IN (SELECT value FROM json_each(?))')
        .run(JSON.stringify(ids)),
    )
  }

  speakers(group: GroupName, session: string, at: UnixMs): readonly UserId[] {
    return this.#statements
      .prepare<[string, string, number], { sender_id: string }>(
        `SELECT DISTINCT i.sender_id FROM dispatch d JOIN inbound i ON i.id = d.inbound_id
         WHERE d.group_name = ? AND d.session = ? AND d.accepted_at IS NOT NULL
           AND (d.outcome IS NULL OR d.settled_at >= ?)`,
      )
      .all(group, session, at)
      .map((row) => row.sender_id as UserId)
  }

  isOpen(group: GroupName, inboxSeq: number): boolean {
    return (
      this.#statements
        .prepare('SELECT 1 FROM dispatch WHERE group_name = ? AND inbox_seq = ? AND outcome IS NULL')
        .get(group, inboxSeq) !== undefined
    )
  }
}
