import type Database from 'better-sqlite3'
import type { UnixMs } from '../../domain/ids.ts'
import type { RetentionStore } from '../../domain/ports/retention.ts'

/** Only so many of the oldest rows are looked at: a look must cost the same in a table of millions. */
const WINDOW = 2_000

const OLD_DELIVERIES = `
  SELECT id FROM (SELECT id, state, created_at FROM delivery ORDER BY id LIMIT ${WINDOW})
  WHERE state IN ('accepted', 'confirmed', 'failed') AND created_at < ? LIMIT ?`

/** Also what waited for a word about its sender all that time: strangers must not keep the rest from being forgotten. */
const OLD_MESSAGES = `
  SELECT i.id FROM (SELECT id, state, received_at FROM inbound ORDER BY id LIMIT ${WINDOW}) i
  WHERE i.state IN ('routed', 'heard', 'dropped', 'held') AND i.received_at < ?
    AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.inbound_id = i.id AND d.outcome IS NULL) LIMIT ?`

const OLD_APPROVALS = `
  SELECT id FROM (SELECT id, state, told, card_settled, asked_at FROM approval ORDER BY id LIMIT ${WINDOW})
  WHERE state NOT IN ('asked', 'allowed') AND told = 1 AND card_settled = 1 AND asked_at < ? LIMIT ?`

const OLD_CALLS = `
  SELECT id FROM (SELECT id, told, at FROM host_call ORDER BY id LIMIT ${WINDOW}) WHERE told = 1 AND at < ? LIMIT ?`

const OLD_REQUESTS = `
  SELECT id FROM (SELECT id, state, asked_at FROM agent_request ORDER BY id LIMIT ${WINDOW})
  WHERE state <> 'open' AND asked_at < ? LIMIT ?`

/** What has not ended is told by its dispatch, which stays as long. */
const OLD_RUNS = `
  SELECT id FROM (SELECT id, inbound_id, at FROM task_run ORDER BY id LIMIT ${WINDOW}) r
  WHERE at < ? AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.inbound_id = r.inbound_id AND d.outcome IS NULL) LIMIT ?`

const OLD_LINES = `
  SELECT id FROM (SELECT id, at FROM own_chat_line ORDER BY id LIMIT ${WINDOW}) WHERE at < ? LIMIT ?`

export class SqliteRetention implements RetentionStore {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  deliveries(before: UnixMs, limit: number): number {
    return this.#delete(OLD_DELIVERIES, ['delivery.id'], before, limit)
  }

  messages(before: UnixMs, limit: number): number {
    const parts = ['dispatch.inbound_id', 'attachment.inbound_id', 'usage.inbound_id', 'inbound.id']
    const asked = this.#delete(OLD_APPROVALS, ['approval.id'], before, limit)
    const called = this.#delete(OLD_CALLS, ['host_call.id'], before, limit)
    const requests = this.#delete(OLD_REQUESTS, ['agent_request.id'], before, limit)
    const ran = this.#delete(OLD_RUNS, ['task_run.id'], before, limit)
    return asked + called + requests + ran + this.#delete(OLD_MESSAGES, parts, before, limit)
  }

  ownChatLines(before: UnixMs, limit: number): number {
    return this.#delete(OLD_LINES, ['own_chat_line.id'], before, limit)
  }

  /** `columns`: what refers to the rows first, the rows themselves last. */
  #delete(select: string, columns: readonly string[], before: UnixMs, limit: number): number {
    return this.#db.transaction(() => {
      const ids = this.#db.prepare<[number, number], number>(select).pluck().all(before, limit)
      if (ids.length === 0) return 0
      for (const column of columns) {
        const [table, key] = column.split('.')
        this.#db
          .prepare(`DELETE FROM ${table} WHERE ${key} IN (SELECT value FROM json_each(?))`)
          .run(JSON.stringify(ids))
      }
      return ids.length
    })()
  }
}
