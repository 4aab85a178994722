import type Database from 'better-sqlite3'
import type { GroupName } from '../../domain/ids.ts'

/** Longest answer of one agent to another, in characters; a result that is longer belongs into its last words (I13). */
export const MAX_AGENT_ANSWER = 60_000

/** Adds to what an agent has answered to another; the caller holds the transaction. */
export function prepareAnswer(
  db: Database.Database,
): (group: GroupName, answer: { readonly inboxSeq: number; readonly text: string }) => void {
  const add = db.prepare(
    `UPDATE agent_request SET answer = substr(answer || CASE answer WHEN '' THEN '' ELSE char(10, 10) END || ?, 1, ?)
     WHERE state = 'open' AND id = (
       SELECT i.request_id FROM dispatch d JOIN inbound i ON i.id = d.inbound_id
       WHERE d.group_name = ? AND d.inbox_seq = ?)`,
  )
  return (group, { inboxSeq, text }) => void add.run(text, MAX_AGENT_ANSWER, group, inboxSeq)
}
