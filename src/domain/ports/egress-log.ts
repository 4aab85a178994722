import type { GroupName, UnixMs } from '../ids.ts'
import type { EgressEntry, EgressOutcome } from './egress.ts'

/** A line of the log: one entry, or several alike within moments of each other. */
export interface EgressLine extends Omit<EgressEntry, 'told'> {
  /** How many it stands for. `at`, `status` and `ms` are the last one's, bytes are summed. */
  readonly count: number
}

/** What a group did with one host in one hour (UTC). `…` stands for all hosts beyond a bound. */
export interface EgressTotal {
  readonly group: GroupName
  readonly hour: UnixMs
  readonly host: string
  readonly outcome: EgressOutcome
  readonly count: number
  readonly bytesOut: number
  readonly bytesIn: number
}

export interface EgressFilter {
  readonly group?: GroupName
  readonly outcome?: EgressOutcome
  readonly since?: UnixMs
}

/** Where the audit of what left is kept. Its writes may be lost by a power cut, not by a killed process. */
export interface EgressLogStore {
  /** In one transaction; of each group only the newest lines stay. Totals stay for as long as the log is kept. */
  write(lines: readonly EgressLine[], totals: readonly EgressTotal[]): void
  /** Newest first. */
  lines(filter: EgressFilter, limit: number): readonly EgressLine[]
  /** Summed over the hours since; most bytes first. */
  totals(filter: EgressFilter, limit: number): readonly EgressTotal[]
  /** Bytes both ways of a group in each hour (its beginning) that ended after `since`. */
  bytesByHour(group: GroupName, since: UnixMs): readonly { readonly hour: UnixMs; readonly bytes: number }[]
  /** Lines and totals from before; at most `limit` rows go. Returns how many went. */
  forget(before: UnixMs, limit: number): number
}
