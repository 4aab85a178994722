import type Database from 'better-sqlite3'

/** Prepares each text once per connection: preparing costs more than most of our statements take to run. */
export class Statements {
  readonly #db: Database.Database
  readonly #known = new Map<string, Database.Statement<unknown[]>>()

  constructor(db: Database.Database) {
    this.#db = db
  }

  prepare<Bind extends unknown[] | object = unknown[], Row = unknown>(
    sql: string,
  ): Database.Statement<Bind extends unknown[] ? Bind : [Bind], Row> {
    let statement = this.#known.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#known.set(sql, statement)
    }
    return statement as unknown as Database.Statement<Bind extends unknown[] ? Bind : [Bind], Row>
  }
}
