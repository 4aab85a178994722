import type Database from 'better-sqlite3'
import type { ChatId, DeliveryId, GroupName, UnixMs } from '../../domain/ids.ts'
import type { DeliveryFilter, DeliveryLine, DeliveryLog } from '../../domain/ports/relay-log.ts'
import type { DeliveryState } from '../../domain/ports/stores.ts'
import { type ChatColumns, toChatRow } from './rows.ts'

type LineColumns = ChatColumns & {
  delivery_id: number
  group_name: string | null
  state: string
  ambiguous: number
  attempts: number
  reason: string | null
  created_at: number
  not_before: number
  sent_at: number | null
}

/** Everything a DeliveryLine needs, to be completed with WHERE. */
export const SELECT_LINE = `
  SELECT d.id AS delivery_id, d.group_name, d.state, d.ambiguous, d.attempts, d.reason, d.created_at, d.not_before,
         d.sent_at, c.* FROM delivery d JOIN chat c ON c.id = d.chat_id`

const MATCHES = `(@ids IS NULL OR d.id IN (SELECT value FROM json_each(@ids)))
  AND (@chatId IS NULL OR d.chat_id = @chatId)
  AND (@state IS NULL OR d.state = @state)
  AND (@before IS NULL OR d.created_at < @before)`

export class SqliteDeliveryLog implements DeliveryLog {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  list(filter: DeliveryFilter, limit: number): readonly DeliveryLine[] {
    return this.#db
      .prepare<unknown[], LineColumns>(`${SELECT_LINE} WHERE ${MATCHES} ORDER BY d.id DESC LIMIT @limit`)
      .all({ ...toParameters(filter), limit })
      .map(toDeliveryLine)
  }

  retry(filter: DeliveryFilter, at: UnixMs): readonly ChatId[] {
    const rows = this.#db
      .prepare<unknown[], { chat_id: number }>(
        `UPDATE delivery AS d SET state = iif(ambiguous, 'unknown_after_send', 'queued'), requeued_at = @at,
           not_before = 0, attempts = 0, reason = NULL, owner_told = 0, agent_told = 0
         WHERE state = 'failed' AND ${MATCHES} RETURNING chat_id`,
      )
      .all({ ...toParameters(filter), at })
    return rows.map((row) => row.chat_id as ChatId)
  }

  drop(filter: DeliveryFilter, reason: string): number {
    return this.#db
      .prepare(
        `UPDATE delivery AS d SET state = 'failed', reason = @reason, owner_told = 1
         WHERE state IN ('queued', 'unknown_after_send') AND ${MATCHES}`,
      )
      .run({ ...toParameters(filter), reason }).changes
  }
}

function toParameters({ ids, chatId, state, before }: DeliveryFilter) {
  return {
    ids: ids === undefined ? null : JSON.stringify(ids),
    chatId: chatId ?? null,
    state: state ?? null,
    before: before ?? null,
  }
}

export function toDeliveryLine(row: LineColumns): DeliveryLine {
  return {
    id: row.delivery_id as DeliveryId,
    chat: toChatRow(row),
    group: row.group_name as GroupName | null,
    state: row.state as DeliveryState,
    ambiguous: row.ambiguous === 1,
    attempts: row.attempts,
    reason: row.reason,
    createdAt: row.created_at as UnixMs,
    notBefore: row.not_before as UnixMs,
    sentAt: row.sent_at as UnixMs | null,
  }
}
