import type Database from 'better-sqlite3'
import type { ChatId, GroupName, InboundId, UnixMs } from '../../domain/ids.ts'
import type {
  DispatchStore,
  InboundRow,
  OpenDispatch,
  PendingDispatch,
  PlacedMessage,
  RunnerCommand,
} from '../../domain/ports/stores.ts'
import { relaxedCommit } from './relaxed-sync.ts'
import { type InboundColumns, SELECT_INBOUND, toInboundRow } from './rows.ts'
import { Statements } from './statements.ts'

interface PendingColumns {
  inbound_id: number
  session: string
  command: RunnerCommand | null
  retries: number
  bundle: number | null
  stands_for: number
  stands_since: number
}

/**
 * Neither the message nor one before it in its session waits for a file or for words: their order must hold (I12).
 * Beginning with the files that are awaited, which are few: the other way round each message looks at all that wait before it.
 */
const NO_FILE_TO_WAIT_FOR = `NOT EXISTS (
  SELECT 1 FROM attachment a INDEXED BY attachment_awaited
  CROSS JOIN dispatch before INDEXED BY dispatch_by_inbound ON before.inbound_id = a.inbound_id
  WHERE (a.state = 'wanted' OR a.words = 'wanted') AND before.group_name = dispatch.group_name AND before.session = dispatch.session
    AND before.inbound_id <= dispatch.inbound_id AND before.inbox_seq IS NULL AND before.outcome IS NULL)`

export class SqliteDispatchStore implements DispatchStore {
  readonly #db: Database.Database
  readonly #statements: Statements
  readonly #inOneCommit: <T>(work: () => T) => T
  readonly #hasOpen: Database.Statement<[string], { one: number }>
  readonly #pending: Database.Statement<[string, number], PendingColumns>

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
    this.#inOneCommit = db.transaction((work: () => unknown) => work()) as <T>(work: () => T) => T
    this.#hasOpen = db.prepare(
      'SELECT 1 AS one FROM dispatch WHERE group_name = ? AND outcome IS NULL LIMIT 1',
    )
    this.#pending = db.prepare(
      `SELECT inbound_id, session, command, retries, bundle, stands_for, stands_since
       FROM dispatch INDEXED BY dispatch_pending
       WHERE group_name = ? AND inbox_seq IS NULL AND outcome IS NULL AND aside IS NULL AND ${NO_FILE_TO_WAIT_FOR}
       ORDER BY inbound_id LIMIT ?`,
    )
  }

  pending(group: GroupName, limit: number): readonly PendingDispatch[] {
    return this.#pending.all(group, limit).map((row) => ({
      inboundId: row.inbound_id as InboundId,
      session: row.session,
      command: row.command,
      retries: row.retries,
      bundle: row.bundle as InboundId | null,
      standsFor: row.stands_for,
      standsSince: row.stands_since as UnixMs,
    }))
  }

  groupsWithPending(): readonly GroupName[] {
    const pending = this.#groups('dispatch_pending', 'inbox_seq IS NULL AND outcome IS NULL')
    const stopping = this.#groups('dispatch_stopping', 'stopping = 1')
    return stopping.length === 0 ? pending : [...new Set([...stopping, ...pending])]
  }

  placed(group: GroupName, placed: readonly PlacedMessage[]): void {
    const place = this.#statements.prepare<[number, string, number]>(
      `UPDATE dispatch SET inbox_seq = ?, stopping = (stopping OR outcome IS 'cancelled')
       WHERE group_name = ? AND inbound_id = ?`,
    )
    const tell = this.#statements.prepare('UPDATE delivery SET agent_told = 1 WHERE id = ?')
    const write = () => {
      for (const { inboundId, inboxSeq, told } of placed) {
        place.run(inboxSeq, group, inboundId)
        for (const id of told) tell.run(id)
      }
    }
    relaxedCommit(this.#db, this.#inOneCommit, write)
  }

  stopPlaced(group: GroupName, chatId: ChatId): number {
    return this.#statements
      .prepare(
        `UPDATE dispatch SET stopping = 1
         WHERE group_name = ? AND inbox_seq IS NOT NULL AND outcome IS NULL
           AND inbound_id IN (SELECT id FROM inbound WHERE chat_id = ?)`,
      )
      .run(group, chatId).changes
  }

  stopping(group: GroupName): readonly number[] {
    return this.#statements
      .prepare<[string], { inbox_seq: number }>(
        `SELECT inbox_seq FROM dispatch INDEXED BY dispatch_stopping
         WHERE group_name = ? AND stopping = 1 AND inbox_seq IS NOT NULL ORDER BY inbox_seq`,
      )
      .all(group)
      .map((row) => row.inbox_seq)
  }

  stopped(group: GroupName, inboxSeqs: readonly number[]): void {
    const clear = this.#statements.prepare(
      'UPDATE dispatch SET stopping = 0 WHERE group_name = ? AND inbox_seq = ?',
    )
    relaxedCommit(this.#db, this.#inOneCommit, () => {
      for (const inboxSeq of inboxSeqs) clear.run(group, inboxSeq)
    })
  }

  newestPlaced(group: GroupName): number {
    const row = this.#statements
      .prepare<[string], { seq: number | null }>(
        'SELECT max(inbox_seq) AS seq FROM dispatch WHERE group_name = ?',
      )
      .get(group)
    return row?.seq ?? 0
  }

  groupsWithOpen(): readonly GroupName[] {
    return this.#groups('dispatch_open', 'outcome IS NULL')
  }

  #groups(index: string, where: string): readonly GroupName[] {
    return this.#statements
      .prepare<[], { group_name: string }>(
        `SELECT group_name FROM dispatch INDEXED BY ${index} WHERE ${where} GROUP BY group_name ORDER BY min(inbound_id)`,
      )
      .all()
      .map((row) => row.group_name as GroupName)
  }

  open(group: GroupName, limit = -1): readonly OpenDispatch[] {
    return this.#statements
      .prepare<
        [string, number],
        { inbox_seq: number; inbound_id: number; accepted_at: number | null; attempts: number }
      >(
        `SELECT * FROM (
           SELECT inbox_seq, inbound_id, accepted_at, attempts FROM dispatch INDEXED BY dispatch_open
           WHERE group_name = ? AND inbox_seq IS NOT NULL AND outcome IS NULL ORDER BY inbound_id LIMIT ?)
         ORDER BY inbox_seq`,
      )
      .all(group, limit)
      .map((row) => ({
        inboxSeq: row.inbox_seq,
        inboundId: row.inbound_id as InboundId,
        acceptedAt: row.accepted_at as UnixMs | null,
        attempts: row.attempts,
      }))
  }

  hasOpen(group: GroupName): boolean {
    return this.#hasOpen.get(group) !== undefined
  }

  cancelPending(group: GroupName, chatId: ChatId, at: UnixMs): number {
    return this.#statements
      .prepare(
        `UPDATE dispatch SET outcome = 'cancelled', outcome_reason = 'stopped by a person', settled_at = ?
         WHERE group_name = ? AND inbox_seq IS NULL AND outcome IS NULL
           AND inbound_id IN (SELECT id FROM inbound WHERE chat_id = ?)`,
      )
      .run(at, group, chatId).changes
  }

  begunSince(
    group: GroupName,
    since: UnixMs,
    now: UnixMs,
  ): { count: number; oldest: UnixMs | null; open: number } {
    const begun = this.#statements
      .prepare<[string, number, number], { n: number; oldest: number | null }>(
        `SELECT count(*) AS n, min(accepted_at) AS oldest FROM dispatch
         WHERE group_name = ? AND accepted_at BETWEEN ? AND ?`,
      )
      .get(group, since, now)
    const placed = this.#statements
      .prepare<[string], { n: number; waiting: number }>(
        `SELECT count(*) AS n, count(*) FILTER (WHERE accepted_at IS NULL) AS waiting FROM dispatch
         WHERE group_name = ? AND outcome IS NULL AND inbox_seq IS NOT NULL`,
      )
      .get(group)
    return {
      count: (begun?.n ?? 0) + (placed?.waiting ?? 0),
      oldest: (begun?.oldest ?? null) as UnixMs | null,
      open: placed?.n ?? 0,
    }
  }

  activity(group: GroupName, chatId: ChatId): { runningSince: UnixMs | null; waiting: number } {
    const row = this.#statements
      .prepare<[string, number], { since: number | null; waiting: number }>(
        `SELECT min(d.accepted_at) AS since, count(*) FILTER (WHERE d.accepted_at IS NULL) AS waiting
         FROM dispatch d JOIN inbound i ON i.id = d.inbound_id
         WHERE d.group_name = ? AND i.chat_id = ? AND d.outcome IS NULL`,
      )
      .get(group, chatId)
    return { runningSince: (row?.since ?? null) as UnixMs | null, waiting: row?.waiting ?? 0 }
  }

  sessionOf(group: GroupName, inboxSeq: number): string | null {
    const row = this.#statements
      .prepare<[string, number], { session: string }>(
        'SELECT session FROM dispatch WHERE group_name = ? AND inbox_seq = ?',
      )
      .get(group, inboxSeq)
    return row?.session ?? null
  }

  inboundOf(group: GroupName, inboxSeq: number): InboundRow | null {
    const row = this.#statements
      .prepare<[string, number], InboundColumns>(
        `${SELECT_INBOUND} JOIN dispatch d ON d.inbound_id = i.id WHERE d.group_name = ? AND d.inbox_seq = ?`,
      )
      .get(group, inboxSeq)
    return row ? toInboundRow(row) : null
  }
}
