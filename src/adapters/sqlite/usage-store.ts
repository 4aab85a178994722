import type Database from 'better-sqlite3'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { UsageLine, UsageStore, UsageSum } from '../../domain/ports/usage.ts'

interface SumColumns {
  turns: number
  input: number
  output: number
  cache_read: number
  cache_write: number
  cost: number | null
}

const SUMS = `
  count(DISTINCT inbound_id) AS turns, total(input_tokens) AS input, total(output_tokens) AS output,
  total(cache_read_tokens) AS cache_read, total(cache_write_tokens) AS cache_write, sum(cost_usd) AS cost`

export class SqliteUsageStore implements UsageStore {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  sum(group: GroupName, since: UnixMs, of: { session?: string; until?: UnixMs } = {}): UsageSum {
    const row = this.#db
      .prepare<unknown[], SumColumns>(
        `SELECT ${SUMS} FROM usage WHERE group_name = @group AND at >= @since AND (@until IS NULL OR at <= @until)
           AND (@session IS NULL OR session = @session)`,
      )
      .get({ group, since, session: of.session ?? null, until: of.until ?? null })
    return toSum(row as SumColumns)
  }

  lines(since: UnixMs, group: GroupName | null): readonly UsageLine[] {
    return this.#db
      .prepare<unknown[], SumColumns & { group_name: string; provider: string; model: string }>(
        `SELECT group_name, provider, model, ${SUMS} FROM usage
         WHERE at >= @since AND (@group IS NULL OR group_name = @group)
         GROUP BY group_name, provider, model ORDER BY cost DESC, input DESC, group_name, model LIMIT 1000`,
      )
      .all({ since, group })
      .map((row) => ({
        group: row.group_name as GroupName,
        provider: row.provider,
        model: row.model,
        ...toSum(row),
      }))
  }
}

function toSum(row: SumColumns): UsageSum {
  return {
    turns: row.turns,
    inputTokens: row.input,
    outputTokens: row.output,
    cacheReadTokens: row.cache_read,
    cacheWriteTokens: row.cache_write,
    costUsd: row.cost,
  }
}
