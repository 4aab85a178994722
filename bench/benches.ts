import type { Install } from '../src/config/load.ts'

export interface BenchRequest {
  readonly install: Install
  readonly runs: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export interface Bench {
  readonly defaultRuns: number
  run(request: BenchRequest): Promise<Record<string, number>>
}

/** Every benchmark by its name. A new one: a file here and a line below. */
export const BENCHES: Readonly<Record<string, Bench>> = {}
