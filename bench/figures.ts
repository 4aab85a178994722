/** The value that `share` of all are at or below. Throws for an empty list. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new Error('nothing was measured')
  return value
}

/** Two digits after the point: more would be noise. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

/** UTC milliseconds with fractions, comparable between processes of one machine. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now()
}
