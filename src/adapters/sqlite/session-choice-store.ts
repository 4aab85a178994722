import type Database from 'better-sqlite3'
import type { GroupName, InboundId } from '../../domain/ids.ts'
import type { SessionChoice, SessionChoices } from '../../domain/ports/session-choices.ts'

interface Columns {
  epoch: number
  since_inbound_id: number
  model: string | null
  effort: string | null
}

const NOTHING: SessionChoice = { epoch: 0, since: null, model: null, effort: null }

export class SqliteSessionChoices implements SessionChoices {
  readonly #db: Database.Database
  readonly #find: Database.Statement<[string, string], Columns>

  constructor(db: Database.Database) {
    this.#db = db
    this.#find = db.prepare(
      'SELECT epoch, since_inbound_id, model, effort FROM session_choice WHERE group_name = ? AND session = ?',
    )
  }

  of(group: GroupName, session: string): SessionChoice {
    const row = this.#find.get(group, session)
    if (!row) return NOTHING
    const since = row.since_inbound_id === 0 ? null : (row.since_inbound_id as InboundId)
    return { epoch: row.epoch, since, model: row.model, effort: row.effort }
  }

  beginAnew(group: GroupName, session: string, message: InboundId): void {
    this.#db
      .prepare(
        `INSERT INTO session_choice (group_name, session, epoch, since_inbound_id) VALUES (?, ?, 1, ?)
         ON CONFLICT DO UPDATE SET epoch = epoch + 1, since_inbound_id = excluded.since_inbound_id
         WHERE since_inbound_id < excluded.since_inbound_id`,
      )
      .run(group, session, message)
  }

  choose(group: GroupName, session: string, what: 'model' | 'effort', value: string | null): void {
    const column = what === 'model' ? 'model' : 'effort'
    this.#db
      .prepare(
        `INSERT INTO session_choice (group_name, session, ${column}) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET ${column} = excluded.${column}`,
      )
      .run(group, session, value)
  }
}
