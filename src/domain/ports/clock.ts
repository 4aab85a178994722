import type { UnixMs } from '../ids.ts'

export interface Clock {
  /** UTC wall clock. */
  now(): UnixMs
  /** Resolves after `ms`; rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}
