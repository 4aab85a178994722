import type Database from 'better-sqlite3'
import type { ChatId, DeliveryId, GroupName, UnixMs } from '../../domain/ids.ts'
import type { DeliveryRow, DeliveryStore, NewDelivery } from '../../domain/ports/stores.ts'
import { prepareDeliveryInsert } from './delivery-insert.ts'
import { type DeliveryColumns, SELECT_DELIVERY, toDeliveryRow } from './rows.ts'

export class SqliteDeliveryStore implements DeliveryStore {
  readonly #db: Database.Database
  readonly #add: (deliveries: readonly NewDelivery[], at: UnixMs) => void
  readonly #next: Database.Statement<[number], DeliveryColumns>

  constructor(db: Database.Database) {
    this.#db = db
    const insert = prepareDeliveryInsert(db)
    this.#add = db.transaction((deliveries: readonly NewDelivery[], at: UnixMs) => {
      for (const delivery of deliveries) insert(delivery, at)
    })
    this.#next = db.prepare(
      `${SELECT_DELIVERY} WHERE d.chat_id = ? AND d.state IN ('queued', 'sending') ORDER BY d.id LIMIT 1`,
    )
  }

  add(deliveries: readonly NewDelivery[], at: UnixMs): void {
    this.#add(deliveries, at)
  }

  chatsWithQueued(): readonly ChatId[] {
    return this.#db
      .prepare<[], { chat_id: number }>(
        "SELECT chat_id FROM delivery WHERE state IN ('queued', 'sending') GROUP BY chat_id ORDER BY min(id)",
      )
      .all()
      .map((row) => row.chat_id as ChatId)
  }

  next(chatId: ChatId): DeliveryRow | null {
    const row = this.#next.get(chatId)
    return row ? toDeliveryRow(row) : null
  }

  sending(id: DeliveryId): void {
    this.#db.prepare("UPDATE delivery SET state = 'sending' WHERE id = ? AND state = 'queued'").run(id)
  }

  sent(id: DeliveryId, platformMessageId: string, at: UnixMs): void {
    this.#db
      .prepare(
        `UPDATE delivery SET state = 'sent', platform_message_id = ?, sent_at = ?, attempts = attempts + 1
         WHERE id = ?`,
      )
      .run(platformMessageId, at, id)
  }

  retry(
    id: DeliveryId,
    change: { notBefore: UnixMs; spent: boolean; ambiguous: boolean; reason: string },
  ): void {
    this.#db
      .prepare(
        `UPDATE delivery SET state = 'queued', not_before = ?, attempts = attempts + ?,
           ambiguous = max(ambiguous, ?), reason = ? WHERE id = ?`,
      )
      .run(change.notBefore, change.spent ? 1 : 0, change.ambiguous ? 1 : 0, change.reason, id)
  }

  failed(id: DeliveryId, reason: string): void {
    this.#db
      .prepare("UPDATE delivery SET state = 'failed', reason = ?, attempts = attempts + 1 WHERE id = ?")
      .run(reason, id)
  }

  queuedOf(group: GroupName): number {
    const row = this.#db
      .prepare<[string], { n: number }>(
        "SELECT count(*) AS n FROM delivery WHERE group_name = ? AND state IN ('queued', 'sending')",
      )
      .get(group)
    return row?.n ?? 0
  }
}
