import type { Install } from '../src/config/load.ts'

/** What a benchmark is given: `say` tells a person how far it is. */
export interface BenchRequest {
  readonly install: Install
  readonly runs: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** One benchmark; its figures go into one line of JSON. */
export interface Bench {
  readonly defaultRuns: number
  run(request: BenchRequest): Promise<Record<string, number>>
}
