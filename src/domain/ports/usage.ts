import type { GroupName, UnixMs } from '../ids.ts'

/** What one turn used, as its runner reported it. The counts are disjoint: fresh input, output, read, written. */
export interface NewUsage {
  readonly outboxSeq: number
  readonly inboxSeq: number
  readonly provider: string
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  /** Null when the runtime named none. */
  readonly costUsd: number | null
}

/** Sums over turns. */
export interface UsageSum {
  readonly turns: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  /** Of the turns whose runtime named a cost; null when none did. */
  readonly costUsd: number | null
}

export interface UsageLine extends UsageSum {
  readonly group: GroupName
  readonly provider: string
  readonly model: string
}

/** Reads what turns used. Kept for 400 days. The sandbox reports it: right for the books, no proof against a liar. */
export interface UsageStore {
  /**
   * Of a group since a time, and until another one when that is named (a clock may have been ahead); of one of its
   * sessions alone when that is named.
   */
  sum(group: GroupName, since: UnixMs, of?: { session?: string; until?: UnixMs }): UsageSum
  /** By group, provider and model, the most expensive first; of one group when it is named. */
  lines(since: UnixMs, group: GroupName | null): readonly UsageLine[]
}
