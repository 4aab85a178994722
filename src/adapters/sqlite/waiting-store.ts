import type Database from 'better-sqlite3'
import type { Aside } from '../../domain/aside.ts'
import type { ChatId, GroupName, InboundId, UnixMs, UserId } from '../../domain/ids.ts'
import type { InboundRow } from '../../domain/ports/stores.ts'
import type { PastMessage, WaitingStore, WaitingSummary } from '../../domain/ports/waiting.ts'
import { relaxedSync } from './relaxed-sync.ts'
import { type InboundColumns, selectInboundBy, toInboundRow } from './rows.ts'
import { Statements } from './statements.ts'

interface PastColumns {
  sender_id: string
  sent_at: number
  received_at: number
}

interface SummaryColumns {
  session: string
  carrier: number
  n: number
  since: number
}

const OF_SUMMARY = "d.group_name = @group AND d.aside = 'summary' AND d.outcome IS NULL"

export class SqliteWaitingStore implements WaitingStore {
  readonly #db: Database.Database
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
  }

  newAfter({ id, chatId }: InboundRow, limit: number): readonly InboundRow[] {
    return this.#statements
      .prepare<[number, number, number], InboundColumns>(
        `${selectInboundBy('inbound_new')} WHERE i.chat_id = ? AND i.state = 'new' AND i.id > ? ORDER BY i.id LIMIT ?`,
      )
      .all(chatId, id, limit)
      .map(toInboundRow)
  }

  newBefore({ id, chatId }: InboundRow, limit: number): readonly InboundRow[] {
    return this.#statements
      .prepare<[number, number, number], InboundColumns>(
        `${selectInboundBy('inbound_new')} WHERE i.chat_id = ? AND i.state = 'new' AND i.id < ? ORDER BY i.id LIMIT ?`,
      )
      .all(chatId, id, limit)
      .map(toInboundRow)
  }

  notUrgent(id: InboundId): void {
    this.#statements.prepare('UPDATE inbound SET urgent = 0 WHERE id = ?').run(id)
  }

  dropNew(chatId: ChatId, before: InboundId, reason: string): number {
    return this.#statements
      .prepare(
        "UPDATE inbound SET state = 'dropped', reason = ? WHERE chat_id = ? AND state = 'new' AND id < ? AND urgent = 0",
      )
      .run(reason, chatId, before).changes
  }

  saidBefore({ id, chatId }: InboundRow, limit: number): readonly PastMessage[] {
    return this.#statements
      .prepare<[number, number, number], PastColumns>(
        `SELECT sender_id, sent_at, received_at FROM (
           SELECT * FROM inbound INDEXED BY inbound_by_chat WHERE chat_id = ? AND id < ? ORDER BY id DESC LIMIT ?) i
         WHERE state = 'routed' AND from_host = 0
           AND EXISTS (SELECT 1 FROM dispatch d WHERE d.inbound_id = i.id AND d.aside IS NOT 'old') ORDER BY id`,
      )
      .all(chatId, id, limit)
      .map(toPast)
  }

  tooOldSince(chatId: ChatId, since: UnixMs): number {
    const row = this.#statements
      .prepare<[number, number], { n: number }>(
        `SELECT count(*) AS n FROM (
           SELECT * FROM inbound INDEXED BY inbound_by_chat WHERE chat_id = ? ORDER BY id DESC LIMIT 10000) i
         WHERE i.received_at >= ? AND i.late_ms > 0
           AND EXISTS (SELECT 1 FROM dispatch d WHERE d.inbound_id = i.id AND d.aside = 'old')`,
      )
      .get(chatId, since)
    return row?.n ?? 0
  }

  lastOf(channel: string, account: string): PastMessage | null {
    const row = this.#statements
      .prepare<[string, string], PastColumns>(
        `SELECT i.sender_id, i.sent_at, i.received_at FROM inbound i WHERE i.id = (
           SELECT max((SELECT id FROM inbound INDEXED BY inbound_by_chat WHERE chat_id = c.id AND from_host = 0
             ORDER BY id DESC LIMIT 1)) FROM chat c WHERE c.channel = ? AND c.account = ?)`,
      )
      .get(channel, account)
    return row ? toPast(row) : null
  }

  waitingIn(group: GroupName, session: string, limit: number): number {
    const row = this.#statements
      .prepare<[string, string, number], { n: number }>(
        `SELECT count(*) AS n FROM (
           SELECT 1 FROM dispatch INDEXED BY dispatch_queue
           WHERE group_name = ? AND session = ? AND outcome IS NULL AND aside IS NULL LIMIT ?)`,
      )
      .get(group, session, limit)
    return row?.n ?? 0
  }

  lastAside(group: GroupName, session: string): Aside | null {
    const row = this.#statements
      .prepare<[string, string], { aside: string | null }>(
        `SELECT aside FROM (SELECT session, aside FROM dispatch WHERE group_name = ? ORDER BY inbound_id DESC LIMIT 10000)
         WHERE session = ? LIMIT 1`,
      )
      .get(group, session)
    return (row?.aside ?? null) as Aside | null
  }

  summaries(group: GroupName): readonly WaitingSummary[] {
    return this.#statements
      .prepare<[{ group: string }], SummaryColumns>(
        `SELECT d.session, max(d.inbound_id) AS carrier, count(*) AS n, min(i.sent_at) AS since
         FROM dispatch d INDEXED BY dispatch_summary JOIN inbound i ON i.id = d.inbound_id
         WHERE ${OF_SUMMARY} GROUP BY d.session, i.chat_id, i.thread ORDER BY carrier`,
      )
      .all({ group })
      .map((row) => ({
        session: row.session,
        carrier: row.carrier as InboundId,
        count: row.n,
        since: row.since as UnixMs,
      }))
  }

  summarised(group: GroupName, { carrier, session, count, since }: WaitingSummary, at: UnixMs): void {
    const settle = this.#statements.prepare(
      `UPDATE dispatch AS d SET outcome = 'done', outcome_reason = @reason, settled_at = @at
       WHERE ${OF_SUMMARY} AND d.session = @session AND d.inbound_id < @carrier AND EXISTS (
         SELECT 1 FROM inbound i JOIN inbound c ON c.id = @carrier
         WHERE i.id = d.inbound_id AND i.chat_id = c.chat_id AND i.thread = c.thread)`,
    )
    const release = this.#statements.prepare(
      `UPDATE dispatch SET aside = NULL, bundle = NULL, stands_for = ?, stands_since = ?
       WHERE group_name = ? AND inbound_id = ? AND aside = 'summary'`,
    )
    const write = this.#db.transaction(() => {
      settle.run({ group, session, carrier, at, reason: `given to the agent as one with message ${carrier}` })
      release.run(count - 1, since, group, carrier)
    })
    relaxedSync(this.#db, write)
  }
}

function toPast(row: PastColumns): PastMessage {
  return {
    senderId: row.sender_id as UserId,
    sentAt: row.sent_at as UnixMs,
    receivedAt: row.received_at as UnixMs,
  }
}
