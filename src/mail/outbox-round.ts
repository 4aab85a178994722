import type { GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DispatchStore } from '../domain/ports/stores.ts'
import type { Supervisor } from '../sandboxes/supervisor.ts'

interface OutboxRoundPorts {
  readonly supervisor: Pick<Supervisor, 'groups'>
  readonly dispatches: Pick<DispatchStore, 'groupsWithOpen'>
  readonly clock: Pick<Clock, 'now'>
}

const ALL_EVERY_MS = 30_000

/** Whose outbox is worth a look: only a sandbox that runs can write; the others with open mail have their turn rarely. */
export class OutboxRound {
  readonly #ports: OutboxRoundPorts
  #allAt = 0

  constructor(ports: OutboxRoundPorts) {
    this.#ports = ports
  }

  /** The first time all, so that what was written while no host ran is found. */
  groups(): Iterable<GroupName> {
    const { supervisor, dispatches, clock } = this.#ports
    const awake = supervisor.groups('running')
    if (clock.now() < this.#allAt) return awake
    this.#allAt = clock.now() + ALL_EVERY_MS
    return new Set([...awake, ...dispatches.groupsWithOpen()])
  }
}
