import type Database from 'better-sqlite3'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import { type PackageList, packagesKey } from '../../domain/packages.ts'
import type { PackageImage, PackageStore } from '../../domain/ports/packages.ts'
import { Statements } from './statements.ts'

interface ImageColumns {
  tag: string
  base: string
  packages: string
  state: PackageImage['state']
  problem: string | null
  at: number
}

/** One that a group runs with and one to go back to. */
const LISTS_KEPT = 2

export class SqlitePackageStore implements PackageStore {
  readonly #db: Database.Database
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
  }

  image(tag: string): PackageImage | null {
    const row = this.#statements
      .prepare<[string], ImageColumns>('SELECT * FROM package_image WHERE tag = ?')
      .get(tag)
    return row ? toImage(row) : null
  }

  images(): readonly PackageImage[] {
    return this.#statements
      .prepare<[], ImageColumns>('SELECT * FROM package_image ORDER BY at, tag')
      .all()
      .map(toImage)
  }

  wanted(): readonly string[] {
    return this.#statements
      .prepare<[], { tag: string }>("SELECT tag FROM package_image WHERE state = 'wanted' ORDER BY at, tag")
      .all()
      .map(({ tag }) => tag)
  }

  want({ tag, base, packages }: Pick<PackageImage, 'tag' | 'base' | 'packages'>, now: UnixMs): void {
    this.#statements
      .prepare(
        `INSERT INTO package_image (tag, base, packages, state, at) VALUES (?, ?, ?, 'wanted', ?)
         ON CONFLICT (tag) DO UPDATE SET state = 'wanted', problem = NULL, at = excluded.at
         WHERE state <> 'wanted'`,
      )
      .run(tag, base, JSON.stringify(packages), now)
  }

  ended(tag: string, problem: string | null, now: UnixMs): void {
    this.#statements
      .prepare('UPDATE package_image SET state = ?, problem = ?, at = ? WHERE tag = ?')
      .run(problem === null ? 'ready' : 'failed', problem, now, tag)
  }

  forget(tag: string): void {
    this.#statements.prepare('DELETE FROM package_image WHERE tag = ?').run(tag)
  }

  ran(group: GroupName, packages: PackageList, now: UnixMs): void {
    const [newest] = this.listsOf(group)
    if (newest && packagesKey(newest) === packagesKey(packages)) return
    this.#db.transaction(() => {
      this.#statements
        .prepare(
          `INSERT INTO group_packages (group_name, packages, nr, at)
           VALUES (@group, @packages, (SELECT coalesce(max(nr), 0) + 1 FROM group_packages WHERE group_name = @group), @now)
           ON CONFLICT (group_name, packages) DO UPDATE SET nr = excluded.nr, at = excluded.at`,
        )
        .run({ group, packages: JSON.stringify(packages), now })
      this.#statements
        .prepare(
          `DELETE FROM group_packages WHERE group_name = @group AND nr NOT IN
             (SELECT nr FROM group_packages WHERE group_name = @group ORDER BY nr DESC LIMIT ${LISTS_KEPT})`,
        )
        .run({ group })
    })()
  }

  listsOf(group: GroupName): readonly PackageList[] {
    return this.#statements
      .prepare<[string], { packages: string }>(
        'SELECT packages FROM group_packages WHERE group_name = ? ORDER BY nr DESC',
      )
      .all(group)
      .map(({ packages }) => JSON.parse(packages) as PackageList)
  }
}

function toImage(row: ImageColumns): PackageImage {
  // Written by us alone, above.
  return { ...row, packages: JSON.parse(row.packages) as PackageList, at: row.at as UnixMs }
}
