import type { FullPolicy } from '../domain/binding.ts'
import type { GroupName, InboundId } from '../domain/ids.ts'
import type { WaitingStore } from '../domain/ports/waiting.ts'
import { BoundedMap } from './bounded-map.ts'

/** Messages of one conversation that may wait; 0 = no bound. */
export interface QueueBounds {
  /** With so many the policy of the binding counts. */
  readonly bound: number
  /** With so many nothing more is taken, whatever the policy. */
  readonly cap: number
}

export interface QueueVerdict {
  readonly place: 'queue' | 'summary' | 'refuse'
  /** What the chat is to be told now, once for each time that it fills up. */
  readonly tell: 'slow' | 'together' | 'full' | null
  /** Messages that wait, as far as they were counted. */
  readonly waiting: number
}

interface Known {
  /** No more than these wait. */
  atMost: number
  /** Below this it need not be known exactly. */
  countFrom: number
  /** The message with which it was too many, that its chat was told of; null = all is well. */
  slow: InboundId | null
  full: InboundId | null
  /** A summary waits, or may: what comes now waits with it, so that nothing overtakes. */
  summing: boolean
}

const MAX_KEYS = 10_000
const TAKEN: QueueVerdict = { place: 'queue', tell: null, waiting: 0 }
/** Told by an earlier life of the host. */
const BEFORE = 0 as InboundId

/**
 * How many messages of a conversation wait, and what becomes of one more. Counts in the tables, but only when it could
 * be too many; what it remembers it can find out again.
 */
export class QueueBound {
  readonly #bound: number
  readonly #cap: number
  readonly #waiting: Pick<WaitingStore, 'waitingIn' | 'lastAside' | 'summaries'>
  readonly #known = new BoundedMap<string, Known>(MAX_KEYS)

  constructor(
    { bound, cap }: QueueBounds,
    waiting: Pick<WaitingStore, 'waitingIn' | 'lastAside' | 'summaries'>,
  ) {
    this.#bound = bound === 0 ? Number.POSITIVE_INFINITY : bound
    this.#cap = cap === 0 ? Number.POSITIVE_INFINITY : cap
    this.#waiting = waiting
  }

  /** The same message again gets the same answer. */
  judge(group: GroupName, session: string, policy: FullPolicy, id: InboundId): QueueVerdict {
    const least = Math.min(this.#bound, this.#cap)
    if (least === Number.POSITIVE_INFINITY) return TAKEN
    const key = `${group} ${session}`
    const known = this.#known.get(key) ?? this.#firstSight(group, session, policy)
    this.#known.set(key, known)
    if (known.summing) known.summing = this.#hasSummary(group, session)
    if (!known.summing && known.atMost < known.countFrom) {
      known.atMost += 1
      return TAKEN
    }
    const waiting = this.#count(group, session, policy)
    known.atMost = waiting + 1
    const farFromCap = policy === 'keep' ? waiting + Math.ceil(waiting / 10) : 0
    known.countFrom = waiting < least ? least : Math.min(this.#cap, farFromCap)
    if (waiting < least / 2 && !known.summing) Object.assign(known, { slow: null, full: null })
    return this.#decide(known, policy, id, waiting)
  }

  #decide(known: Known, policy: FullPolicy, id: InboundId, waiting: number): QueueVerdict {
    if (policy === 'summarise' && (known.summing || waiting >= this.#bound)) {
      known.summing = true
      known.slow ??= id
      return { place: 'summary', tell: known.slow === id ? 'together' : null, waiting }
    }
    if (waiting >= this.#cap || (policy === 'reject' && waiting >= this.#bound)) {
      known.full ??= id
      return { place: 'refuse', tell: known.full === id ? 'full' : null, waiting }
    }
    if (waiting < this.#bound) return { place: 'queue', tell: null, waiting }
    known.slow ??= id
    return { place: 'queue', tell: known.slow === id ? 'slow' : null, waiting }
  }

  /** Past the first bound only `keep` needs to know how far. */
  #count(group: GroupName, session: string, policy: FullPolicy): number {
    const least = Math.min(this.#bound, this.#cap)
    const enough = policy === 'keep' && this.#cap !== Number.POSITIVE_INFINITY ? this.#cap : least + 1
    return this.#waiting.waitingIn(group, session, enough)
  }

  #hasSummary(group: GroupName, session: string): boolean {
    return this.#waiting.summaries(group).some((summary) => summary.session === session)
  }

  #firstSight(group: GroupName, session: string, policy: FullPolicy): Known {
    const waiting = this.#count(group, session, policy)
    const least = Math.min(this.#bound, this.#cap)
    const aside = waiting >= least / 2 ? this.#waiting.lastAside(group, session) : null
    return {
      atMost: waiting,
      countFrom: least,
      slow: waiting > this.#bound || aside === 'summary' ? BEFORE : null,
      full: aside === 'full' ? BEFORE : null,
      summing: policy === 'summarise',
    }
  }
}
