import type Database from 'better-sqlite3'
import type { ChatId, DeliveryId, GroupName, InboundId, UnixMs } from '../../domain/ids.ts'
import type { ChatMessages, OwnMessage, PastMessage } from '../../domain/ports/chat-messages.ts'
import { LET_IN, NOT_REFUSED } from './inbound-store.ts'
import { relaxedSync } from './relaxed-sync.ts'
import { type DeliveryColumns, SELECT_DELIVERY, toDeliveryRow } from './rows.ts'
import { Statements } from './statements.ts'

/** Rows of each table that a look back goes through. */
const LOOKED_AT = 3_000

/** An answer, a message of a tool or a card: their keys begin with the group's own position. */
const SAID_BY_AGENT = `d.group_name = @group AND d.key GLOB @group || ':[0-9]*:*'`

export class SqliteChatMessages implements ChatMessages {
  readonly #db: Database.Database
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
  }

  find(group: GroupName, handle: string): OwnMessage | null {
    const number = /^d(\d{1,15})$/.exec(handle)?.[1]
    const which = number === undefined ? 'd.handle = @handle' : 'd.id = @id'
    const row = this.#statements
      .prepare<unknown[], DeliveryColumns & { platform_message_id: string | null; siblings: number }>(
        `${SELECT_DELIVERY.replace('d.unrendered', 'd.unrendered, d.platform_message_id, d.rest IS NOT NULL AS siblings')}
         WHERE ${which} AND ${SAID_BY_AGENT} ORDER BY d.id LIMIT 1`,
      )
      .get(number === undefined ? { handle, group } : { id: Number(number), group })
    if (!row) return null
    const { id, chatId, address, state, reason, file, key } = toDeliveryRow(row)
    const inParts = row.siblings === 1 || !key.endsWith(':0') || this.#exists(`${key.slice(0, -2)}:1`)
    const sent = { platformMessageId: row.platform_message_id, file: file !== null, inParts }
    return { id, chatId, address, state, reason, ...sent }
  }

  changed(id: DeliveryId, part: string): void {
    relaxedSync(this.#db, () =>
      this.#statements.prepare('UPDATE delivery SET part = ? WHERE id = ?').run(part, id),
    )
  }

  idOf(key: string): DeliveryId | null {
    const row = this.#statements
      .prepare<[string], { id: number }>('SELECT id FROM delivery WHERE key = ?')
      .get(key)
    return row ? (row.id as DeliveryId) : null
  }

  cardsOf(group: GroupName, inboxSeq: number): number {
    const row = this.#statements
      .prepare<[string], { n: number }>(`SELECT count(*) AS n FROM delivery WHERE key GLOB ?`)
      .get(`${group}:${inboxSeq}:*:card:0`)
    return row?.n ?? 0
  }

  platformIdOf(id: InboundId): string | null {
    const row = this.#statements
      .prepare<[number], { id: string }>(
        'SELECT platform_message_id AS id FROM inbound WHERE id = ? AND from_host = 0',
      )
      .get(id)
    return row?.id ?? null
  }

  past(query: {
    group: GroupName
    chatId: ChatId
    thread: string | undefined
    before: UnixMs
    limit: number
  }): readonly PastMessage[] {
    const values = { ...query, thread: query.thread ?? '', looked: LOOKED_AT }
    const heard = this.#statements
      .prepare<unknown[], { sender_id: string; sender_name: string; text: string; sent_at: number }>(
        `SELECT i.sender_id, i.sender_name, i.text, i.sent_at
         FROM (SELECT * FROM inbound WHERE chat_id = @chatId ORDER BY id DESC LIMIT @looked) i
         WHERE i.thread = @thread AND i.sent_at < @before AND i.state IN ('heard', 'routed') AND i.from_host = 0
           AND ${NOT_REFUSED} AND ${LET_IN}
         ORDER BY i.sent_at DESC, i.id DESC LIMIT @limit`,
      )
      .all(values)
      .map((row): PastMessage => {
        const { sender_id: senderId, sender_name: senderName, text } = row
        return { by: 'person', at: row.sent_at as UnixMs, senderId, senderName, text }
      })
    const said = this.#statements
      .prepare<unknown[], { id: number; part: string; file: string | null; sent_at: number }>(
        `SELECT d.id, d.part, d.file, d.sent_at
         FROM (SELECT * FROM delivery ORDER BY id DESC LIMIT @looked) d
         WHERE d.chat_id = @chatId AND d.thread = @thread AND d.sent_at < @before AND d.state IN ('accepted', 'confirmed')
           AND d.unrendered = 0 AND ${SAID_BY_AGENT}
         ORDER BY d.sent_at DESC, d.id DESC LIMIT @limit`,
      )
      .all(values)
      .map((row): PastMessage => {
        const { id, part, file } = row
        return { by: 'agent', at: row.sent_at as UnixMs, id: id as DeliveryId, part, file: file !== null }
      })
    return [...heard, ...said].sort((a, b) => b.at - a.at).slice(0, query.limit)
  }

  #exists(key: string): boolean {
    return this.idOf(key) !== null
  }
}
