import type Database from 'better-sqlite3'
import type { NewApproval } from '../../domain/approval.ts'

/** A prepared insert that skips known keys; the caller holds the transaction. */
export function prepareApprovalInsert(db: Database.Database): (approval: NewApproval) => void {
  const insert = db.prepare(
    `INSERT INTO approval (key, code, kind, group_name, session, inbound_id, asked_by, asked_by_name, chat_id, thread,
       payload, payload_hash, card, choices, state, asked_at, expires_at, decided_at, outcome, card_key, card_chat_id,
       card_settled)
     VALUES (@key, @code, @kind, @group, @session, @inboundId, @askedBy, @askedByName, @chatId, @thread,
       @payload, @payloadHash, @card, @choices, @state, @askedAt, @expiresAt, @decidedAt, @outcome, @cardKey,
       @cardChatId, @cardSettled)
     ON CONFLICT (key) DO NOTHING`,
  )
  return ({ settled, ...approval }) => {
    insert.run({
      ...approval,
      thread: approval.thread ?? '',
      choices: JSON.stringify(approval.choices),
      state: settled?.state ?? 'asked',
      outcome: settled?.outcome ?? null,
      decidedAt: settled === undefined ? null : approval.askedAt,
      cardSettled: approval.cardKey === null ? 1 : 0,
    })
  }
}
