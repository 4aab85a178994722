import type { Goal } from './score.ts'
import type { WorldOptions } from './world.ts'

export interface ChaosOptions extends Goal, Partial<Omit<WorldOptions, 'random'>> {
  readonly seed: number
  /** The load ends when the time is over or all counts are reached. */
  readonly maxMs: number
  /** Though all counts are reached, it goes on so long. Default: 0. */
  readonly minMs?: number
  /** Worlds beside each other, each with its own host; their counts are added up. Default: 1. */
  readonly worlds?: number
  /** Time for a quiet host to work off what is left. Default: four minutes. */
  readonly settleMs?: number
  /** Called about every ten seconds. */
  readonly say?: (progress: ChaosProgress) => void
  /** Ends the load early: what is on its way is worked off, and judged. */
  readonly stop?: AbortSignal
}

export interface ChaosProgress {
  readonly seed: number
  readonly seconds: number
  readonly messages: number
  readonly kills: number
  /** The named point that was hit least, and how often. */
  readonly rarest: readonly [point: string, hits: number]
  readonly doing: 'load' | 'settling'
}
