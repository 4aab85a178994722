import type Database from 'better-sqlite3'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { NewUsage } from '../../domain/ports/usage.ts'

const KEPT_MS = 400 * 24 * 3_600_000
/** A runner of ours reports once per try of a message; another one must not fill the disk (I13). */
const MAX_PER_MESSAGE = 50

/**
 * A prepared insert that skips what is known, what belongs to no message of the group, and what is too much for one
 * message; forgets what is too old. The caller holds the transaction.
 */
export function prepareUsageInsert(
  db: Database.Database,
): (group: GroupName, usage: NewUsage, at: UnixMs) => void {
  const insert = db.prepare(
    `INSERT INTO usage (group_name, outbox_seq, inbound_id, session, provider, model, input_tokens, output_tokens,
                        cache_read_tokens, cache_write_tokens, cost_usd, at)
     SELECT @group, @outboxSeq, d.inbound_id, d.session, @provider, @model, @inputTokens, @outputTokens,
            @cacheReadTokens, @cacheWriteTokens, @costUsd, @at
     FROM dispatch d
     WHERE d.group_name = @group AND d.inbox_seq = @inboxSeq
       AND (SELECT count(*) FROM usage u WHERE u.group_name = @group AND u.inbound_id = d.inbound_id) < ${MAX_PER_MESSAGE}
     ON CONFLICT DO NOTHING`,
  )
  const forget = db.prepare('DELETE FROM usage WHERE at < ?')
  return (group, usage, at) => {
    insert.run({ ...usage, group, at })
    forget.run(at - KEPT_MS)
  }
}
