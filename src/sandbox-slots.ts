import type { GroupName, UnixMs } from './domain/ids.ts'
import type { SandboxHandle } from './domain/ports/sandbox.ts'

/** What the supervisor remembers of one group between two looks; all of it can be found out again. */
export interface Slot {
  handle: SandboxHandle | null
  /** A step is at work on it: a listing made meanwhile is older than what the step does. */
  busy: boolean
  /** Ends the watch for its exit. */
  watch: AbortController | null
  lastBusyAt: UnixMs
  lastWokenAt: UnixMs
  /** Deaths with work to do since the last settled message. */
  deaths: number
  /** The oldest unsettled message at the last death: when it changes, the group has come forward. */
  stuckOn: number | null
  notBefore: UnixMs
  /** Why the group cannot work, in words for a person. */
  problem: string | null
  problemSince: UnixMs
}

/** One slot per group, made when first asked for. */
export class SandboxSlots {
  readonly #slots = new Map<GroupName, Slot>()

  get(group: GroupName, now: UnixMs): Slot {
    let slot = this.#slots.get(group)
    if (!slot) {
      slot = {
        handle: null,
        busy: false,
        watch: null,
        lastBusyAt: now,
        lastWokenAt: now,
        deaths: 0,
        stuckOn: null,
        notBefore: 0 as UnixMs,
        problem: null,
        problemSince: now,
      }
      this.#slots.set(group, slot)
    }
    return slot
  }

  find(group: GroupName): Slot | undefined {
    return this.#slots.get(group)
  }

  entries(): IterableIterator<[GroupName, Slot]> {
    return this.#slots.entries()
  }

  running(): number {
    let count = 0
    for (const slot of this.#slots.values()) if (slot.handle?.state === 'running') count += 1
    return count
  }
}
