/** How much of everything there is. */
export interface Overview {
  readonly waitingToBeRouted: number
  readonly held: number
  readonly unsent: number
  /** Asks of agents that wait for a person. */
  readonly openApprovals: number
  readonly failedSends: number
  /** Sends that may have reached the platform twice. */
  readonly ambiguousSends: number
  readonly openByGroup: ReadonlyMap<string, number>
  readonly failedByGroup: ReadonlyMap<string, number>
  /** Messages that were too many or too old and were not given to their agent. */
  readonly asideByGroup: ReadonlyMap<string, number>
  /** Outbox entries that were not understood or not allowed. */
  readonly rejectedByGroup: ReadonlyMap<string, number>
  readonly lastFailures: readonly {
    readonly id: number
    readonly chat: string
    readonly reason: string | null
  }[]
}

export interface OverviewStore {
  read(): Overview
  /** `ok`, or what is wrong with the database file. */
  integrity(): string
}
