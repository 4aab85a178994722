import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { preciseNow } from './figures.ts'

/** Commits as a runner makes them, of nothing and beside everything: what the disk alone takes for one. */
export class BareCommits implements Disposable {
  readonly #db: Database.Database
  readonly #add: Database.Statement<[string]>

  /** In a folder of its own below this one, which whoever owns that removes. */
  constructor(below: string) {
    this.#db = new Database(join(mkdtempSync(join(below, 'bare-')), 'bare.db'))
    this.#db.pragma('journal_mode = DELETE')
    this.#db.pragma('synchronous = EXTRA')
    this.#db.exec('CREATE TABLE entry (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)')
    this.#add = this.#db.prepare('INSERT INTO entry (body) VALUES (?)')
  }

  /** One commit; how many milliseconds it took. */
  commit(): number {
    const begun = preciseNow()
    this.#add.run('x'.repeat(200))
    return preciseNow() - begun
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}
