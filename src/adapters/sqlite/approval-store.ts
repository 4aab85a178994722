import type Database from 'better-sqlite3'
import type {
  Approval,
  ApprovalChoice,
  ApprovalKindName,
  ApprovalState,
  Decision,
  NewApproval,
} from '../../domain/approval.ts'
import type { ChatId, GroupName, InboundId, UnixMs, UserId } from '../../domain/ids.ts'
import type { ApprovalStore } from '../../domain/ports/approvals.ts'
import { prepareApprovalInsert } from './approval-insert.ts'
import { relaxedSync } from './relaxed-sync.ts'
import { UNSENT } from './rows.ts'
import { Statements } from './statements.ts'

interface ApprovalColumns {
  id: number
  code: string
  kind: string
  group_name: string
  session: string
  inbound_id: number
  asked_by: string
  asked_by_name: string
  chat_id: number
  thread: string
  payload: string
  payload_hash: string
  card: string
  choices: string
  state: string
  choice: string | null
  answer: string | null
  decided_by: string | null
  decided_by_name: string | null
  decided_at: number | null
  asked_at: number
  expires_at: number
  outcome: string | null
  card_key: string | null
  card_chat_id: number | null
  told: number
  card_settled: number
}

const SELECT = 'SELECT * FROM approval'

/** A part of its card will not be sent: the person cannot be reached there. */
const CARD_FAILED = `EXISTS (
  SELECT 1 FROM delivery d
  WHERE d.key >= card_key || ':' AND d.key < card_key || ';' AND d.state = 'failed')`

export class SqliteApprovalStore implements ApprovalStore {
  readonly #db: Database.Database
  readonly #statements: Statements
  readonly #insert: (approval: NewApproval) => void

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
    this.#insert = prepareApprovalInsert(db)
  }

  add(approval: NewApproval): void {
    this.#insert(approval)
  }

  find(id: number): Approval | null {
    return this.#one(`${SELECT} WHERE id = ?`, id)
  }

  byCode(code: string): Approval | null {
    return this.#one(`${SELECT} WHERE code = ?`, code)
  }

  openOf(group: GroupName): readonly Approval[] {
    return this.#all(`${SELECT} WHERE group_name = ? AND state = 'asked' ORDER BY id`, group)
  }

  questionsIn(chatId: ChatId): readonly Approval[] {
    return this.#all(
      `${SELECT} WHERE state = 'asked' AND kind = 'question' AND card_chat_id = ? ORDER BY id`,
      chatId,
    )
  }

  askedSince(group: GroupName, since: UnixMs): number {
    const row = this.#statements
      .prepare<[string, number], { n: number }>(
        'SELECT count(*) AS n FROM approval WHERE group_name = ? AND asked_at > ?',
      )
      .get(group, since)
    return row?.n ?? 0
  }

  deniedSince(group: GroupName, kind: ApprovalKindName, hash: string, since: UnixMs): Approval | null {
    return this.#one(
      `${SELECT} WHERE group_name = ? AND kind = ? AND payload_hash = ? AND state = 'denied'
         AND decided_by IS NOT NULL AND decided_at > ? ORDER BY id DESC LIMIT 1`,
      group,
      kind,
      hash,
      since,
    )
  }

  list(limit: number, open: boolean): readonly Approval[] {
    return this.#all(`${SELECT} WHERE state = 'asked' OR NOT ? ORDER BY id DESC LIMIT ?`, open ? 1 : 0, limit)
  }

  decide(id: number, { state, choice, answer, by, byName, at }: Decision): boolean {
    return this.#change(
      `UPDATE approval SET state = ?, choice = ?, answer = ?, decided_by = ?, decided_by_name = ?, decided_at = ?
       WHERE id = ? AND state = 'asked' AND expires_at > ?`,
      ...[state, choice, answer, by, byName, at, id, at],
    )
  }

  expire(id: number, at: UnixMs): boolean {
    return this.#change(
      "UPDATE approval SET state = 'expired', decided_at = ? WHERE id = ? AND state = 'asked' AND expires_at <= ?",
      ...[at, id, at],
    )
  }

  finish(id: number, state: 'done' | 'failed', outcome: string, at: UnixMs): void {
    this.#change(
      `UPDATE approval SET state = ?, outcome = ?, decided_at = coalesce(decided_at, ?)
       WHERE id = ? AND state IN ('asked', 'allowed')`,
      ...[state, outcome, at, id],
    )
  }

  withWork(now: UnixMs): readonly number[] {
    return this.#statements
      .prepare<[number], { id: number }>(
        `SELECT id FROM approval
         WHERE (state IN ('asked', 'allowed') OR told = 0 OR card_settled = 0)
           AND (state <> 'asked' OR expires_at <= ? OR (card_chat_id <> chat_id AND ${CARD_FAILED}))
         ORDER BY id LIMIT 1000`,
      )
      .all(now)
      .map((row) => row.id)
  }

  moveCard(id: number, chatId: ChatId, cardKey: string): void {
    this.#change('UPDATE approval SET card_chat_id = ?, card_key = ? WHERE id = ?', chatId, cardKey, id)
  }

  markTold(id: number): void {
    relaxedSync(this.#db, () => this.#change('UPDATE approval SET told = 1 WHERE id = ?', id))
  }

  markCardSettled(id: number): void {
    relaxedSync(this.#db, () => this.#change('UPDATE approval SET card_settled = 1 WHERE id = ?', id))
  }

  cardMessage(id: number): 'waiting' | 'none' | { readonly id: string } {
    // The choices stand with the last part.
    const row = this.#statements
      .prepare<[number], { unsent: number; platform_message_id: string | null }>(
        `SELECT d.${UNSENT} AS unsent, d.platform_message_id FROM approval a
         JOIN delivery d ON d.key >= a.card_key || ':' AND d.key < a.card_key || ';' AND d.chat_id = a.card_chat_id
         WHERE a.id = ? ORDER BY d.id DESC LIMIT 1`,
      )
      .get(id)
    if (!row) return 'none'
    if (row.unsent === 1) return 'waiting'
    return row.platform_message_id === null ? 'none' : { id: row.platform_message_id }
  }

  #one(sql: string, ...args: unknown[]): Approval | null {
    const row = this.#statements.prepare<unknown[], ApprovalColumns>(sql).get(...args)
    return row ? toApproval(row) : null
  }

  #all(sql: string, ...args: unknown[]): readonly Approval[] {
    return this.#statements
      .prepare<unknown[], ApprovalColumns>(sql)
      .all(...args)
      .map(toApproval)
  }

  #change(sql: string, ...args: unknown[]): boolean {
    return this.#statements.prepare(sql).run(...args).changes > 0
  }
}

function toApproval(row: ApprovalColumns): Approval {
  return {
    id: row.id,
    code: row.code,
    kind: row.kind as ApprovalKindName,
    group: row.group_name as GroupName,
    session: row.session,
    inboundId: row.inbound_id as InboundId,
    askedBy: row.asked_by as UserId,
    askedByName: row.asked_by_name,
    chatId: row.chat_id as ChatId,
    thread: row.thread === '' ? undefined : row.thread,
    payload: row.payload,
    payloadHash: row.payload_hash,
    card: row.card,
    choices: JSON.parse(row.choices) as ApprovalChoice[],
    state: row.state as ApprovalState,
    choice: row.choice,
    answer: row.answer,
    decidedBy: row.decided_by as UserId | null,
    decidedByName: row.decided_by_name,
    decidedAt: row.decided_at as UnixMs | null,
    askedAt: row.asked_at as UnixMs,
    expiresAt: row.expires_at as UnixMs,
    outcome: row.outcome,
    cardKey: row.card_key,
    cardChatId: row.card_chat_id as ChatId | null,
    told: row.told === 1,
    cardSettled: row.card_settled === 1,
  }
}
