import type Database from 'better-sqlite3'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { GroupTraces } from '../../domain/ports/group-traces.ts'

const GONE = 'the agent was removed'

const FORGET = [
  'DELETE FROM binding WHERE group_name = @group',
  'DELETE FROM role WHERE group_name = @group',
  'DELETE FROM egress_rule WHERE group_name = @group',
  'DELETE FROM tool_server WHERE group_name = @group',
  'DELETE FROM group_packages WHERE group_name = @group',
  'UPDATE pairing SET void = 1 WHERE group_name = @group',
  `UPDATE task SET state = 'cancelled', due_at = NULL, fire_at = NULL, reason = @gone
   WHERE group_name = @group AND state IN ('active', 'paused')`,
  // What stands in its inbox already is stopped there before anything new is put behind it.
  `UPDATE dispatch SET stopping = (inbox_seq IS NOT NULL), outcome = 'cancelled', outcome_reason = @gone,
     settled_at = @at
   WHERE group_name = @group AND outcome IS NULL`,
  "UPDATE agent_request SET state = 'cancelled' WHERE from_group = @group AND state = 'open'",
  `UPDATE host_call SET ok = coalesce(ok, 0), answer = coalesce(answer, @gone), told = 1
   WHERE group_name = @group AND told = 0`,
  // What was allowed and is not carried out yet must not be for another one.
  `UPDATE approval SET state = 'failed', outcome = @gone, decided_at = coalesce(decided_at, @at)
   WHERE group_name = @group AND state IN ('asked', 'allowed')`,
]

export class SqliteGroupTraces implements GroupTraces {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  forget(group: GroupName, at: UnixMs): void {
    this.#db.transaction(() => {
      for (const sql of FORGET) this.#db.prepare(sql).run({ group, at, gone: GONE })
    })()
  }
}
