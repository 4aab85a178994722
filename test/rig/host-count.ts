import { join } from 'node:path'
import Database from 'better-sqlite3'

/** One number out of the tables of a host that runs, or ran. */
export function hostCount(dataDir: string, sql: string): number {
  const db = new Database(join(dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
  try {
    return Number(db.prepare(sql).pluck().get())
  } finally {
    db.close()
  }
}
