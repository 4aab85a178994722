export interface BackoffRange {
  readonly baseMs: number
  readonly maxMs: number
}

/**
 * Wait before try `failures + 1`: doubles from `baseMs` up to `maxMs`, with ±20 % jitter so that groups that
 * failed together do not come back together. `random` returns [0, 1).
 */
export function backoffMs(failures: number, range: BackoffRange, random: () => number): number {
  if (failures <= 0) return 0
  const exact = Math.min(range.maxMs, range.baseMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(exact * (0.8 + 0.4 * random()))
}
