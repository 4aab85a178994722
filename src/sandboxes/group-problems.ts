import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Events } from '../events.ts'

export interface GroupProblemPorts {
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<Events, 'groupProblem' | 'groupRecovered'>
  /** Tells people; the same `since` is the same outage. May be called many times for one outage. */
  readonly tell: (group: GroupName, problem: string, since: UnixMs) => void
}

/** Where it was noticed; each place says for itself when it is well again. */
export type ProblemSource = 'sandbox' | 'outbox'

interface Outage {
  readonly since: UnixMs
  readonly problems: Map<ProblemSource, string>
  endedAt: UnixMs | null
}

/** A group that fails again this soon is in the same outage: a hostile one could otherwise fill a chat with notices. */
const SAME_OUTAGE_MS = 600_000

/** Why groups cannot work now, in words for a person. Forgotten by a restart, which finds out again. */
export class GroupProblems {
  readonly #ports: GroupProblemPorts
  readonly #outages = new Map<GroupName, Outage>()

  constructor(ports: GroupProblemPorts) {
    this.#ports = ports
  }

  /** The problem of a group; null when it is well. */
  of(group: GroupName): string | null {
    return this.#outages.get(group)?.problems.values().next().value ?? null
  }

  /** Groups that have a problem now. */
  groups(): readonly GroupName[] {
    return [...this.#outages].flatMap(([group, { problems }]) => (problems.size > 0 ? [group] : []))
  }

  /** To be called at each failure: chats that began to wait meanwhile hear of it too. */
  report(group: GroupName, source: ProblemSource, problem: string): void {
    const outage = this.#outage(group)
    if (outage.problems.get(source) !== problem) this.#ports.events.groupProblem(group, problem)
    outage.problems.set(source, problem)
    this.#ports.tell(group, problem, outage.since)
  }

  well(group: GroupName, source: ProblemSource): void {
    const outage = this.#outages.get(group)
    if (!outage?.problems.delete(source) || outage.problems.size > 0) return
    outage.endedAt = this.#ports.clock.now()
    this.#ports.events.groupRecovered(group)
  }

  #outage(group: GroupName): Outage {
    const now = this.#ports.clock.now()
    const known = this.#outages.get(group)
    if (known && (known.endedAt === null || now - known.endedAt < SAME_OUTAGE_MS)) {
      known.endedAt = null
      return known
    }
    const outage: Outage = { since: now, problems: new Map(), endedAt: null }
    this.#outages.set(group, outage)
    return outage
  }
}
