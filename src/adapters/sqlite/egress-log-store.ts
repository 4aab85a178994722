import type Database from 'better-sqlite3'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { EgressOutcome } from '../../domain/ports/egress.ts'
import type { EgressFilter, EgressLine, EgressLogStore, EgressTotal } from '../../domain/ports/egress-log.ts'
import { relaxedSync } from './relaxed-sync.ts'
import { Statements } from './statements.ts'

interface LineColumns {
  group_name: string
  at: number
  host: string
  port: number
  method: string
  path: string
  outcome: EgressOutcome
  status: number | null
  reason: string | null
  bytes_out: number
  bytes_in: number
  ms: number
  count: number
}

/** Lines kept of one group. */
const LINES_PER_GROUP = 10_000
/** Hosts of one group in one hour that have sums of their own. */
const HOSTS_PER_HOUR = 50
const OTHERS = '…'
/** Only so many of the oldest lines are looked at when old ones are forgotten. */
const WINDOW = 2_000

export class SqliteEgressLog implements EgressLogStore {
  readonly #db: Database.Database
  readonly #statements: Statements
  readonly #linesPerGroup: number

  constructor(db: Database.Database, linesPerGroup = LINES_PER_GROUP) {
    this.#db = db
    this.#statements = new Statements(db)
    this.#linesPerGroup = linesPerGroup
  }

  write(lines: readonly EgressLine[], totals: readonly EgressTotal[]): void {
    const work = this.#db.transaction(() => {
      for (const line of lines) this.#add(line)
      for (const total of totals) this.#sum(total)
      for (const group of new Set(lines.map((line) => line.group))) this.#shorten(group)
    })
    relaxedSync(this.#db, () => work())
  }

  lines(filter: EgressFilter, limit: number): readonly EgressLine[] {
    return this.#statements
      .prepare<object, LineColumns>(
        `SELECT * FROM egress_line WHERE (@group IS NULL OR group_name = @group)
           AND (@outcome IS NULL OR outcome = @outcome) AND at >= @since ORDER BY id DESC LIMIT @limit`,
      )
      .all({ ...bound(filter), limit })
      .map((row) => ({
        group: row.group_name as GroupName,
        at: row.at as UnixMs,
        host: row.host,
        port: row.port,
        method: row.method,
        path: row.path,
        outcome: row.outcome,
        status: row.status,
        reason: row.reason,
        bytesOut: row.bytes_out,
        bytesIn: row.bytes_in,
        ms: row.ms,
        count: row.count,
      }))
  }

  totals(filter: EgressFilter, limit: number): readonly EgressTotal[] {
    return this.#statements
      .prepare<object, Omit<EgressTotal, 'group' | 'hour'> & { group_name: string; hour: number }>(
        `SELECT group_name, host, outcome, max(hour) AS hour, sum(count) AS count,
           sum(bytes_out) AS bytesOut, sum(bytes_in) AS bytesIn FROM egress_total
         WHERE hour >= @since - 3600000 AND (@group IS NULL OR group_name = @group)
           AND (@outcome IS NULL OR outcome = @outcome)
         GROUP BY group_name, host, outcome
         ORDER BY sum(bytes_out) + sum(bytes_in) DESC, sum(count) DESC, group_name, host LIMIT @limit`,
      )
      .all({ ...bound(filter), limit })
      .map(({ group_name, hour, ...sums }) => ({
        ...sums,
        group: group_name as GroupName,
        hour: hour as UnixMs,
      }))
  }

  bytesByHour(group: GroupName, since: UnixMs): readonly { hour: UnixMs; bytes: number }[] {
    return this.#statements
      .prepare<[number, string], { hour: UnixMs; bytes: number }>(
        `SELECT hour, sum(bytes_out) + sum(bytes_in) AS bytes FROM egress_total
         WHERE hour > ? - 3600000 AND group_name = ? GROUP BY hour`,
      )
      .all(since, group)
  }

  forget(before: UnixMs, limit: number): number {
    return this.#db.transaction(() => {
      const lines = this.#statements
        .prepare(
          `DELETE FROM egress_line WHERE id IN (SELECT id FROM
             (SELECT id, at FROM egress_line ORDER BY id LIMIT ${WINDOW}) WHERE at < ? LIMIT ?)`,
        )
        .run(before, limit).changes
      const totals = this.#statements
        .prepare(
          `DELETE FROM egress_total WHERE (hour, group_name, host, outcome) IN
             (SELECT hour, group_name, host, outcome FROM egress_total WHERE hour < ? LIMIT ?)`,
        )
        .run(before, limit - lines).changes
      return lines + totals
    })()
  }

  #add(line: EgressLine): void {
    this.#statements
      .prepare(
        `INSERT INTO egress_line
           (group_name, at, host, port, method, path, outcome, status, reason, bytes_out, bytes_in, ms, count)
         VALUES (@group, @at, @host, @port, @method, @path, @outcome, @status, @reason, @bytesOut, @bytesIn, @ms, @count)`,
      )
      .run(line)
  }

  #sum(total: EgressTotal): void {
    this.#statements
      .prepare(
        `INSERT INTO egress_total (group_name, hour, host, outcome, count, bytes_out, bytes_in)
         VALUES (@group, @hour, @host, @outcome, @count, @bytesOut, @bytesIn)
         ON CONFLICT DO UPDATE SET count = count + excluded.count,
           bytes_out = bytes_out + excluded.bytes_out, bytes_in = bytes_in + excluded.bytes_in`,
      )
      .run({ ...total, host: this.#isRoomFor(total) ? total.host : OTHERS })
  }

  /** A sandbox can think of names without end; those beyond the bound are summed as one. */
  #isRoomFor({ group, hour, host }: EgressTotal): boolean {
    const hosts = this.#statements
      .prepare<[number, string], { host: string }>(
        'SELECT DISTINCT host FROM egress_total WHERE hour = ? AND group_name = ?',
      )
      .all(hour, group)
    return hosts.length < HOSTS_PER_HOUR || hosts.some((row) => row.host === host)
  }

  #shorten(group: GroupName): void {
    this.#statements
      .prepare(
        `DELETE FROM egress_line WHERE group_name = @group AND id <=
           (SELECT id FROM egress_line WHERE group_name = @group ORDER BY id DESC LIMIT 1 OFFSET @kept)`,
      )
      .run({ group, kept: this.#linesPerGroup })
  }
}

function bound({ group, outcome, since }: EgressFilter): object {
  return { group: group ?? null, outcome: outcome ?? null, since: since ?? 0 }
}
