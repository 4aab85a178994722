import type { TurnLimits } from '@creel/protocol'
import type { FailedTurn } from './turn-record.ts'

/** What has been tried so far. */
export interface Tried {
  /** Tries after the first. */
  readonly again: number
  readonly sinceFirstFailureMs: number
}

/**
 * How long to wait before a failed turn is tried once more; null when that would not help, or has been done often and
 * long enough. The runtimes try for some 20 s themselves before they report what passes. Pure.
 */
export function retryWait(failed: FailedTurn, tried: Tried, limits: TurnLimits): number | null {
  if (!isPassing(failed) || tried.again >= limits.retries) return null
  const ms = Math.max(limits.retryFirstMs * 2 ** tried.again, failed.retryAfterMs ?? 0)
  return tried.sinceFirstFailureMs + ms <= limits.retryForMs ? ms : null
}

function isPassing({ reason, bug }: FailedTurn): boolean {
  // A provider that breaks its own rules does so again.
  if (bug) return false
  return reason === 'rate-limited' || reason === 'overloaded' || reason === 'crashed' || reason === 'timeout'
}
