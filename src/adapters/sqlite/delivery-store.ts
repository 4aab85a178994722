import type Database from 'better-sqlite3'
import type { ChatId, DeliveryId, GroupName, UnixMs } from '../../domain/ids.ts'
import type {
  DeliveryRow,
  DeliveryStore,
  FailedDelivery,
  NewDelivery,
  UndeliveredAnswer,
} from '../../domain/ports/stores.ts'
import { prepareDeliveryInsert } from './delivery-insert.ts'
import {
  type ChatColumns,
  type DeliveryColumns,
  SELECT_DELIVERY,
  toChatRow,
  toDeliveryRow,
  UNSENT,
} from './rows.ts'
import { Statements } from './statements.ts'

type FailedColumns = ChatColumns & { delivery_id: number; group_name: string; reason: string | null }

export class SqliteDeliveryStore implements DeliveryStore {
  readonly #statements: Statements
  readonly #add: (deliveries: readonly NewDelivery[], at: UnixMs) => void
  readonly #chatsWithQueued: Database.Statement<[], { chat_id: number }>
  readonly #next: Database.Statement<[number], DeliveryColumns>
  readonly #sending: Database.Statement<[number]>
  readonly #sent: Database.Statement<[string, string, number, number]>
  readonly #queuedOf: Database.Statement<[string], { n: number }>
  readonly #untold: Database.Statement<[number], FailedColumns>

  constructor(db: Database.Database) {
    this.#statements = new Statements(db)
    const insert = prepareDeliveryInsert(db)
    this.#add = db.transaction((deliveries: readonly NewDelivery[], at: UnixMs) => {
      for (const delivery of deliveries) insert(delivery, at)
    })
    this.#chatsWithQueued = db.prepare(
      `SELECT chat_id FROM delivery WHERE ${UNSENT} GROUP BY chat_id ORDER BY min(id)`,
    )
    this.#next = db.prepare(`${SELECT_DELIVERY} WHERE d.chat_id = ? AND d.${UNSENT} ORDER BY d.id LIMIT 1`)
    this.#sending = db.prepare(
      "UPDATE delivery SET state = 'sending' WHERE id = ? AND state IN ('queued', 'unknown_after_send')",
    )
    this.#sent = db.prepare(
      `UPDATE delivery SET state = iif(rest IS NULL, ?, 'queued'), platform_message_id = ?, sent_at = ?,
         attempts = iif(rest IS NULL, attempts + 1, 0), part = coalesce(rest ->> 0, part),
         key = iif(rest IS NULL, key, key || '+'),
         rest = iif(json_array_length(rest) > 1, json_remove(rest, '$[0]'), NULL)
       WHERE id = ?`,
    )
    this.#queuedOf = db.prepare(`SELECT count(*) AS n FROM delivery INDEXED BY delivery_open_by_group
       WHERE group_name = ? AND ${UNSENT}`)
    this.#untold = db.prepare(
      `SELECT d.id AS delivery_id, d.group_name, d.reason, c.* FROM delivery d INDEXED BY delivery_failed
       JOIN chat c ON c.id = d.chat_id WHERE d.state = 'failed' AND d.owner_told = 0 AND d.group_name IS NOT NULL ORDER BY d.id LIMIT ?`,
    )
  }

  add(deliveries: readonly NewDelivery[], at: UnixMs): void {
    this.#add(deliveries, at)
  }

  chatsWithQueued(): readonly ChatId[] {
    return this.#chatsWithQueued.all().map((row) => row.chat_id as ChatId)
  }

  next(chatId: ChatId): DeliveryRow | null {
    const row = this.#next.get(chatId)
    return row ? toDeliveryRow(row) : null
  }

  sending(id: DeliveryId): void {
    this.#sending.run(id)
  }

  rendered(id: DeliveryId, [part = '', ...rest]: readonly string[]): void {
    this.#statements
      .prepare('UPDATE delivery SET part = ?, rest = ?, unrendered = 0 WHERE id = ? AND unrendered = 1')
      .run(part, rest.length === 0 ? null : JSON.stringify(rest), id)
  }

  sent(id: DeliveryId, as: 'accepted' | 'confirmed', platformMessageId: string, at: UnixMs): void {
    this.#sent.run(as, platformMessageId, at, id)
  }

  retry(
    id: DeliveryId,
    change: { at: UnixMs; notBefore: UnixMs; spent: boolean; ambiguous: boolean; reason: string },
  ): void {
    this.#statements
      .prepare(
        `UPDATE delivery SET state = iif(max(ambiguous, @ambiguous), 'unknown_after_send', 'queued'),
           not_before = @notBefore, waits_since = @at, attempts = attempts + @spent, ambiguous = max(ambiguous, @ambiguous),
           reason = @reason
         WHERE id = @id`,
      )
      .run({ ...change, id, spent: change.spent ? 1 : 0, ambiguous: change.ambiguous ? 1 : 0 })
  }

  failed(id: DeliveryId, reason: string): void {
    this.#statements
      .prepare("UPDATE delivery SET state = 'failed', reason = ?, attempts = attempts + 1 WHERE id = ?")
      .run(reason, id)
  }

  queuedOf(group: GroupName): number {
    return this.#queuedOf.get(group)?.n ?? 0
  }

  sentElsewhere(group: GroupName, chatId: ChatId, since: UnixMs): number {
    // By the form of their keys; the newest are enough for an hour, and the table is not read whole.
    const row = this.#statements
      .prepare<[string, number, number], { n: number }>(
        `SELECT count(*) AS n FROM (SELECT * FROM delivery ORDER BY id DESC LIMIT 5000)
         WHERE group_name = ? AND chat_id = ? AND created_at >= ? AND key GLOB '*:to:0'`,
      )
      .get(group, chatId, since)
    return row?.n ?? 0
  }

  untoldFailures(limit: number): readonly FailedDelivery[] {
    return this.#untold.all(limit).map((row) => ({
      id: row.delivery_id as DeliveryId,
      chat: toChatRow(row),
      group: row.group_name as GroupName,
      reason: row.reason ?? '',
    }))
  }

  untoldTo(group: GroupName, session: string, limit: number): readonly UndeliveredAnswer[] {
    return this.#statements
      .prepare<[string, string, number], { id: number; reason: string | null; created_at: number }>(
        `SELECT d.id, d.reason, d.created_at FROM delivery d
         JOIN dispatch t ON t.group_name = d.group_name AND t.inbox_seq = d.inbox_seq
         WHERE d.group_name = ? AND d.state = 'failed' AND d.agent_told = 0 AND t.session = ?
         ORDER BY d.id LIMIT ?`,
      )
      .all(group, session, limit)
      .map((row) => ({
        id: row.id as DeliveryId,
        reason: row.reason ?? '',
        at: row.created_at as UnixMs,
      }))
  }

  ownerTold(ids: readonly DeliveryId[]): void {
    this.#statements
      .prepare('UPDATE delivery SET owner_told = 1 WHERE id IN (SELECT value FROM json_each(?))')
      .run(JSON.stringify(ids))
  }
}
