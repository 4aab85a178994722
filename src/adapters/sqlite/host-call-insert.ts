import type Database from 'better-sqlite3'
import type { NewHostCall } from '../../domain/host-call.ts'

/**
 * A prepared insert; the caller holds the transaction. One that is known is only answered again: its runner has
 * forgotten the answer.
 */
export function prepareHostCallInsert(db: Database.Database): (call: NewHostCall) => void {
  const insert = db.prepare(
    `INSERT INTO host_call (group_name, inbox_seq, call_id, name, args, at, ok, answer)
     VALUES (@group, @inboxSeq, @callId, @name, @args, @at, @ok, @answer)
     ON CONFLICT (group_name, inbox_seq, call_id) DO UPDATE SET told = 0`,
  )
  return ({ refused, ...call }) => {
    insert.run({ ...call, ok: refused === undefined ? null : 0, answer: refused ?? null })
  }
}
