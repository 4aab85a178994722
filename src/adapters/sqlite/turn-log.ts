import type Database from 'better-sqlite3'
import type { GroupName, InboundId, UnixMs, UserId } from '../../domain/ids.ts'
import type {
  DeliveryLine,
  DroppedLine,
  TurnFilter,
  TurnLine,
  TurnLog,
  TurnState,
} from '../../domain/ports/relay-log.ts'
import { SELECT_LINE, toDeliveryLine } from './delivery-log.ts'
import { type ChatColumns, toChatRow } from './rows.ts'

type TurnColumns = ChatColumns & {
  inbound_id: number
  group_name: string
  session: string
  sender_id: string
  inbox_seq: number | null
  attempts: number
  retries: number
  outcome: string | null
  outcome_reason: string | null
  received_at: number
  accepted_at: number | null
  settled_at: number | null
}

const SELECT_TURN = `
  SELECT t.inbound_id, t.group_name, t.session, i.sender_id, t.inbox_seq, t.attempts, t.retries, t.outcome,
         t.outcome_reason, i.received_at, t.accepted_at, t.settled_at, c.*
  FROM dispatch t JOIN inbound i ON i.id = t.inbound_id JOIN chat c ON c.id = i.chat_id`

/** One plan for each question: each of the states has an index of its own. */
const OF_STATE = {
  any: 'true',
  open: 't.outcome IS NULL',
  done: "t.outcome = 'done'",
  failed: "t.outcome = 'failed'",
  cancelled: "t.outcome = 'cancelled'",
} as const

export class SqliteTurnLog implements TurnLog {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  list(filter: TurnFilter, limit: number): readonly TurnLine[] {
    return this.#db
      .prepare<unknown[], TurnColumns>(
        `${SELECT_TURN} WHERE (@id IS NULL OR t.inbound_id = @id) AND (@group IS NULL OR t.group_name = @group)
           AND ${OF_STATE[filter.state ?? 'any']} ORDER BY t.inbound_id DESC LIMIT @limit`,
      )
      .all({ id: filter.id ?? null, group: filter.group ?? null, limit })
      .map(toTurnLine)
  }

  dropped(limit: number): readonly DroppedLine[] {
    return this.#db
      .prepare<
        [number],
        ChatColumns & { inbound_id: number; sender_id: string; reason: string | null; received_at: number }
      >(
        `SELECT i.id AS inbound_id, i.sender_id, i.reason, i.received_at, c.*
         FROM (SELECT * FROM inbound ORDER BY id DESC LIMIT 10000) i JOIN chat c ON c.id = i.chat_id
         WHERE i.state = 'dropped' ORDER BY i.id DESC LIMIT ?`,
      )
      .all(limit)
      .map((row) => ({
        id: row.inbound_id as InboundId,
        chat: toChatRow(row),
        sender: row.sender_id as UserId,
        reason: row.reason,
        receivedAt: row.received_at as UnixMs,
      }))
  }

  details(group: GroupName, id: InboundId): { text: string; deliveries: readonly DeliveryLine[] } | null {
    const found = this.#db
      .prepare<[string, number], { text: string; inbox_seq: number | null }>(
        `SELECT i.text, t.inbox_seq FROM dispatch t JOIN inbound i ON i.id = t.inbound_id
         WHERE t.group_name = ? AND t.inbound_id = ?`,
      )
      .get(group, id)
    if (!found) return null
    const deliveries = this.#db
      .prepare<[string, number | null], Parameters<typeof toDeliveryLine>[0]>(
        `${SELECT_LINE} WHERE d.group_name = ? AND d.inbox_seq = ? ORDER BY d.id LIMIT 1000`,
      )
      .all(group, found.inbox_seq)
    return { text: found.text, deliveries: deliveries.map(toDeliveryLine) }
  }

  retry(group: GroupName, id: InboundId): boolean {
    // Without a position it is pending again; the dispatcher's key holds the number of the retry, so that the inbox
    // takes it as another entry.
    const { changes } = this.#db
      .prepare(
        `UPDATE dispatch SET inbox_seq = NULL, stopping = 0, outcome = NULL, outcome_reason = NULL, settled_at = NULL,
           accepted_at = NULL, attempts = 0, retries = retries + 1, aside = NULL, bundle = NULL
         WHERE group_name = ? AND inbound_id = ? AND outcome IN ('failed', 'cancelled')`,
      )
      .run(group, id)
    return changes === 1
  }
}

function toTurnLine(row: TurnColumns): TurnLine {
  return {
    id: row.inbound_id as InboundId,
    group: row.group_name as GroupName,
    chat: toChatRow(row),
    session: row.session,
    sender: row.sender_id as UserId,
    state: stateOf(row),
    attempts: row.attempts,
    retries: row.retries,
    reason: row.outcome_reason,
    receivedAt: row.received_at as UnixMs,
    acceptedAt: row.accepted_at as UnixMs | null,
    settledAt: row.settled_at as UnixMs | null,
  }
}

function stateOf(row: TurnColumns): TurnState {
  if (row.outcome !== null) return row.outcome as TurnState
  if (row.inbox_seq === null) return 'waiting'
  return row.accepted_at === null ? 'in-inbox' : 'running'
}
