import type Database from 'better-sqlite3'
import type { Overview, OverviewStore } from '../../domain/ports/overview.ts'
import { UNSENT } from './rows.ts'

interface CountRow {
  group_name: string
  n: number
}

/** Counts for `./creel status`; reads only. */
export class SqliteOverviewStore implements OverviewStore {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  read(): Overview {
    const one = (sql: string) => this.#db.prepare<[], { n: number }>(sql).get()?.n ?? 0
    const byGroup = (sql: string) =>
      new Map(
        this.#db
          .prepare<[], CountRow>(sql)
          .all()
          .map((row) => [row.group_name, row.n]),
      )
    return {
      waitingToBeRouted: one("SELECT count(*) AS n FROM inbound WHERE state = 'new'"),
      held: one("SELECT count(*) AS n FROM inbound WHERE state = 'held'"),
      unsent: one(`SELECT count(*) AS n FROM delivery WHERE ${UNSENT}`),
      openApprovals: one("SELECT count(*) AS n FROM approval WHERE state = 'asked'"),
      failedSends: one("SELECT count(*) AS n FROM delivery WHERE state = 'failed'"),
      ambiguousSends: one('SELECT count(*) AS n FROM delivery WHERE ambiguous = 1'),
      openByGroup: byGroup(
        'SELECT group_name, count(*) AS n FROM dispatch WHERE outcome IS NULL GROUP BY group_name',
      ),
      failedByGroup: byGroup(
        "SELECT group_name, count(*) AS n FROM dispatch WHERE outcome = 'failed' GROUP BY group_name",
      ),
      asideByGroup: byGroup(
        `SELECT group_name, count(*) AS n FROM dispatch INDEXED BY dispatch_aside
         WHERE aside IN ('rate', 'full', 'old') GROUP BY group_name`,
      ),
      rejectedByGroup: byGroup('SELECT group_name, rejected AS n FROM outbox_cursor WHERE rejected > 0'),
      lastFailures: this.#db
        .prepare<[], { id: number; chat: string; reason: string | null }>(
          `SELECT d.id, c.channel || ':' || c.chat AS chat, d.reason FROM delivery d JOIN chat c ON c.id = d.chat_id
           WHERE d.state = 'failed' ORDER BY d.id DESC LIMIT 5`,
        )
        .all(),
    }
  }

  integrity(): string {
    return String(this.#db.pragma('quick_check', { simple: true }))
  }
}
