import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { SandboxHandle } from '../domain/ports/sandbox.ts'

/** What the supervisor remembers of one group between two looks; all of it can be found out again. */
export interface Slot {
  handle: SandboxHandle | null
  /** Somebody is at work on its sandbox: a listing made meanwhile is older than what they do. */
  busy: boolean
  /** Number of its last change; see SandboxSlots.tick. */
  changed: number
  /** Keeps a place among the running ones, though its sandbox does not run yet. */
  waking: boolean
  /** Its place in the queue for room, and when it last asked; null when it does not wait. */
  ticket: { readonly number: number; askedAt: UnixMs } | null
  /** Ends the watch for its exit. */
  watch: AbortController | null
  lastBusyAt: UnixMs
  lastWokenAt: UnixMs
  /** The last heartbeat found, when it was first found, and when somebody last looked. */
  pulse: { readonly heartbeatAt: UnixMs | null; readonly foundAt: UnixMs; readonly lookedAt: UnixMs }
  /** Deaths with work to do while `stuckOn` was the oldest unsettled message. */
  deaths: number
  stuckOn: number | null
  /** Messages in a row that were given up before, because the sandbox died of each of them. */
  givenUp: number
  /** Not started again earlier. */
  notBefore: UnixMs
}

/** One slot per group, made when first asked for. */
export class SandboxSlots {
  readonly #slots = new Map<GroupName, Slot>()
  /** Those that run or are about to: asked for with every step of every group. */
  readonly #running = new Set<Slot>()
  #ticks = 0

  get(group: GroupName, now: UnixMs): Slot {
    let slot = this.#slots.get(group)
    if (!slot) {
      slot = {
        handle: null,
        busy: false,
        changed: 0,
        waking: false,
        ticket: null,
        watch: null,
        lastBusyAt: now,
        lastWokenAt: now,
        pulse: { heartbeatAt: null, foundAt: now, lookedAt: now },
        deaths: 0,
        stuckOn: null,
        givenUp: 0,
        notBefore: 0 as UnixMs,
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

  /** Numbers in the order of events, which a clock with milliseconds cannot give. */
  tick(): number {
    this.#ticks += 1
    return this.#ticks
  }

  /** Its sandbox is this one now. */
  change(slot: Slot, handle: SandboxHandle | null, now: UnixMs): void {
    if (handle?.state === 'running' && slot.handle?.state !== 'running') slot.lastWokenAt = now
    slot.handle = handle
    slot.changed = this.tick()
    this.#count(slot)
  }

  /** It is about to run, or could not be made to. */
  setWaking(slot: Slot, waking: boolean): void {
    slot.waking = waking
    this.#count(slot)
  }

  /** Sandboxes that run or are about to. */
  running(): number {
    return this.#running.size
  }

  #count(slot: Slot): void {
    if (slot.waking || slot.handle?.state === 'running') this.#running.add(slot)
    else this.#running.delete(slot)
  }
}
