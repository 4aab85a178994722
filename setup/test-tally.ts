import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** What one suite came to. Crosses a process boundary as JSON. */
export const Tally = z.object({
  passed: z.number().int().min(0),
  /** Name and reason of each. */
  failed: z.array(z.object({ name: z.string(), why: z.string() })),
  skipped: z.array(z.object({ name: z.string(), why: z.string() })),
})
export type Tally = z.infer<typeof Tally>

/** What the run of one suite leaves in a file: its tally, and how the tests ended that README's tables are made from. */
export const SuiteResult = Tally.extend({
  outcomes: z.record(z.string(), z.enum(['passed', 'failed'])).default({}),
})
export type SuiteResult = z.infer<typeof SuiteResult>

export function suiteResultFile(stateDir: string, suite: string): string {
  return join(stateDir, `test-${suite}.json`)
}

/** Null when that suite did not run. */
export function readSuiteResult(file: string): SuiteResult | null {
  try {
    return SuiteResult.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

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
