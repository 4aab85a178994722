import { z } from 'zod'

/** What one suite came to. Crosses a process boundary as JSON. */
export const Tally = z.object({
  passed: z.number().int().min(0),
  /** Name and reason of each. */
  failed: z.array(z.object({ name: z.string(), why: z.string() })),
  skipped: z.array(z.object({ name: z.string(), why: z.string() })),
})
export type Tally = z.infer<typeof Tally>

export const NOTHING: Tally = { passed: 0, failed: [], skipped: [] }

export function addTallies(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failed: tallies.flatMap((tally) => tally.failed),
    skipped: tallies.flatMap((tally) => tally.skipped),
  }
}

/** A check that is no test of vitest's, counted as one. */
export function oneTest(name: string, why: string | null): Tally {
  return why === null ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: [{ name, why }] }
}

/** The line that CI reads: nothing else stands on it. */
export function closingLine(tally: Tally): string {
  const skipped = tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : ''
  return `${tally.passed} passed, ${tally.failed.length} failed${skipped}`
}

/** 1 when anything failed, and when nothing ran: a run that tests nothing is no success. */
export function exitCode(tally: Tally): 0 | 1 {
  return tally.failed.length > 0 || tally.passed === 0 ? 1 : 0
}
