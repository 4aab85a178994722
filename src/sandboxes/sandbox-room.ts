import type { GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { SandboxSlots, Slot } from './sandbox-slots.ts'

export interface SandboxRoomPorts {
  readonly slots: SandboxSlots
  readonly clock: Pick<Clock, 'now'>
  readonly maxRunning: number
  /** Whether the group has work: such a sandbox is never put to sleep for another. */
  readonly hasWork: (group: GroupName) => boolean
  readonly pause: (group: GroupName, slot: Slot) => Promise<void>
  /** Asks a waiting group to try again. */
  readonly nudge: (group: GroupName) => void
}

/** Whoever has not asked for this long does not wait any more; nobody may be held up by it (I7). */
const FORGOTTEN_MS = 3_000

/** Keeps the number of running sandboxes within its limit: first come, first served. */
export class SandboxRoom {
  readonly #ports: SandboxRoomPorts
  /** In the order of their tickets; an entry whose ticket is another by now is stale. */
  #queue: { readonly group: GroupName; readonly slot: Slot; readonly number: number }[] = []

  constructor(ports: SandboxRoomPorts) {
    this.#ports = ports
  }

  /**
   * Takes a place for a sandbox that is to run, if need be from the one that has been idle the longest; false when
   * it has to wait and ask again. With true `slot.waking` is set: the caller clears it when the sandbox runs, or
   * could not be made to.
   */
  async take(group: GroupName, slot: Slot): Promise<boolean> {
    const { slots, maxRunning, clock } = this.#ports
    if (!slot.ticket) {
      slot.ticket = { number: slots.tick(), askedAt: clock.now() }
      this.#queue.push({ group, slot, number: slot.ticket.number })
    }
    slot.ticket.askedAt = clock.now()
    const free = maxRunning - slots.running()
    const first = this.#first(Math.max(1, free))
    if (!first.some((waiting) => waiting.slot === slot)) {
      if (first[0]) this.#ports.nudge(first[0].group)
      return false
    }
    slots.setWaking(slot, true)
    if (free > 0 || (await this.#makeRoom())) {
      slot.ticket = null
      return true
    }
    slots.setWaking(slot, false)
    return false
  }

  /** Whether a group that asked before is not among the next; cheap, and counts as asking. */
  mustWait(slot: Slot): boolean {
    const { slots, maxRunning, clock } = this.#ports
    if (!slot.ticket) return false
    slot.ticket.askedAt = clock.now()
    return !this.#first(Math.max(1, maxRunning - slots.running())).some((waiting) => waiting.slot === slot)
  }

  /** There may be room now: whoever has waited the longest tries again. */
  offer(): void {
    const first = this.#first(1)[0]
    if (first) this.#ports.nudge(first.group)
  }

  /** The next `count` that wait, in their order. */
  #first(count: number): { readonly group: GroupName; readonly slot: Slot }[] {
    const since = this.#ports.clock.now() - FORGOTTEN_MS
    const isStale = ({ slot, number }: { slot: Slot; number: number }) => slot.ticket?.number !== number
    const live = this.#queue.findIndex((waiting) => !isStale(waiting))
    if (live !== 0) this.#queue = live < 0 ? [] : this.#queue.slice(live)
    const found = []
    for (const waiting of this.#queue) {
      if (found.length >= count) break
      if (!isStale(waiting) && (waiting.slot.ticket?.askedAt ?? 0) >= since) found.push(waiting)
    }
    return found
  }

  /** Pauses the sandbox that has been idle the longest; false when all are at work. */
  async #makeRoom(): Promise<boolean> {
    const { slots, hasWork, pause } = this.#ports
    const [group, slot] =
      [...slots.entries()]
        .filter(([name, { handle, busy }]) => handle?.state === 'running' && !busy && !hasWork(name))
        .sort(([, a], [, b]) => a.lastBusyAt - b.lastBusyAt)[0] ?? []
    if (!group || !slot) return false
    // Calls for one sandbox are serial: its own step has to wait.
    slot.busy = true
    try {
      await pause(group, slot)
      return true
    } finally {
      slot.busy = false
    }
  }
}
