import type { GroupName, UnixMs } from './domain/ids.ts'
import type { Clock } from './domain/ports/clock.ts'
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
const FORGOTTEN_MS = 2_000

/** Keeps the number of running sandboxes within its limit: first come, first served. */
export class SandboxRoom {
  readonly #ports: SandboxRoomPorts

  constructor(ports: SandboxRoomPorts) {
    this.#ports = ports
  }

  /**
   * Takes a place for a sandbox that is to run, if need be from the one that has been idle the longest; false when
   * it has to wait and ask again. With true `slot.waking` is set: the caller clears it when the sandbox runs, or
   * could not be made to.
   */
  async take(slot: Slot): Promise<boolean> {
    const { slots, maxRunning, clock } = this.#ports
    slot.ticket ??= { number: slots.tick(), askedAt: clock.now() }
    slot.ticket.askedAt = clock.now()
    const ahead = this.#waiting().filter(({ number }) => number < (slot.ticket?.number ?? 0))
    const free = maxRunning - slots.running()
    if (free <= ahead.length && ahead[0]) {
      this.#ports.nudge(ahead[0].group)
      return false
    }
    slot.waking = true
    if (free > 0 || (await this.#makeRoom())) {
      slot.ticket = null
      return true
    }
    slot.waking = false
    return false
  }

  /** There may be room now: whoever has waited the longest tries again. */
  offer(): void {
    const first = this.#waiting()[0]
    if (first) this.#ports.nudge(first.group)
  }

  #waiting(): { group: GroupName; number: number }[] {
    const since = this.#ports.clock.now() - FORGOTTEN_MS
    return [...this.#ports.slots.entries()]
      .flatMap(([group, { ticket }]) =>
        ticket && ticket.askedAt >= (since as UnixMs) ? [{ group, number: ticket.number }] : [],
      )
      .sort((a, b) => a.number - b.number)
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
