export interface KeptFile {
  readonly name: string
  /** Of its bytes. */
  readonly hash: string
  readonly bytes: number
  readonly usedAt: number
}

/** A file that was just taken in may not be named anywhere yet. */
const YOUNG_MS = 3_600_000

/**
 * Which files go: those not used for `keepMs`, and as many of the oldest as it takes to stay within `maxBytes`. Never
 * one that is in use, and none that has just come. Pure.
 */
export function outdated(
  files: readonly KeptFile[],
  rule: { now: number; keepMs: number; maxBytes: number; inUse: ReadonlySet<string> },
): string[] {
  const { now, keepMs, maxBytes, inUse } = rule
  let left = files.reduce((sum, file) => sum + file.bytes, 0)
  const gone: string[] = []
  for (const { name, hash, bytes, usedAt } of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
    const age = now - usedAt
    if (inUse.has(hash) || age < Math.min(YOUNG_MS, keepMs)) continue
    if (age < keepMs && left <= maxBytes) break
    left -= bytes
    gone.push(name)
  }
  return gone
}
