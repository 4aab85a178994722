import type { GroupConfig } from '../config/schema.ts'
import { CreelError, EngineUnavailableError, errorText } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import type { SandboxExit, SandboxHandle, SandboxSpec } from '../domain/ports/sandbox.ts'
import type { StepResult } from '../pump.ts'
import { isCurrent } from './is-current.ts'
import { judgeVitals, type Verdict } from './liveness.ts'
import { countDeath, deathText, diedLately, goneError, seeOldest } from './sandbox-deaths.ts'
import { SandboxRoom } from './sandbox-room.ts'
import { SandboxSlots, type Slot } from './sandbox-slots.ts'
import type { SupervisorPorts } from './supervisor-ports.ts'
import { livenessLimits, takePulse, takeVitals } from './vitals.ts'

const GRACE_MS = 2_000
const CROWDED_WAIT_MS = 1_000
const BUSY_WAIT_MS = 20
/** The oldest of what waits for a group: a long queue must not make each look at it long. */
const LOOKED_AT = 100

/**
 * Keeps a sandbox alive for every group with unsettled mail: compares what is wanted with what runs and closes
 * the difference, one step per group. It is told nothing; it looks.
 */
export class Supervisor {
  readonly #ports: SupervisorPorts
  readonly #slots = new SandboxSlots()
  readonly #room: SandboxRoom
  #listing: Promise<void> | null = null
  #stale = true

  constructor(ports: SupervisorPorts) {
    this.#ports = ports
    this.#room = new SandboxRoom({
      slots: this.#slots,
      clock: ports.clock,
      maxRunning: ports.limits.max_running,
      hasWork: (group) => ports.dispatches.hasOpen(group),
      pause: (group, slot) => this.#pause(group, slot, 'room for others'),
      nudge: ports.nudge,
    })
  }

  /** Groups worth a look though nothing waits for them: those with a sandbox or with a problem; or with a sandbox that runs. */
  groups(only?: 'running'): Iterable<GroupName> {
    const names = new Set(only === undefined ? this.#ports.problems.groups() : [])
    for (const [group, { handle }] of this.#slots.entries()) {
      if (handle && (only === undefined || handle.state === 'running')) names.add(group)
    }
    return names
  }

  /** How a group is, for a person. */
  status(group: GroupName): { state: 'asleep' | 'awake' | 'paused'; problem: string | null } {
    const slot = this.#slots.find(group)
    const state = slot?.handle?.state
    return {
      state: state === 'running' ? 'awake' : state === 'paused' ? 'paused' : 'asleep',
      problem: this.#ports.problems.of(group),
    }
  }

  handle(group: GroupName): SandboxHandle | null {
    return this.#slots.find(group)?.handle ?? null
  }

  /** Whether what runs of a group, if anything does, was made from what is set now; if not, it is looked at soon. */
  async isCurrent(group: GroupName, signal: AbortSignal): Promise<boolean> {
    if (this.#stale) await this.refresh(signal)
    return isCurrent(group, this.#slots.find(group), this.#ports)
  }

  /** Compares memory with the engine: adopts what outlived an earlier host, forgets what is gone. */
  async refresh(signal: AbortSignal): Promise<void> {
    this.#listing ??= this.#list(signal).finally(() => {
      this.#listing = null
    })
    await this.#listing
  }

  /** Step of the supervisor pump. */
  async step(group: GroupName, signal: AbortSignal): Promise<StepResult> {
    try {
      if (this.#stale) await this.refresh(signal)
    } catch (error) {
      // With nothing to do it is not this group's problem.
      if (this.#ports.dispatches.hasOpen(group)) this.#trouble(group, error)
      throw error
    }
    const slot = this.#slots.get(group, this.#ports.clock.now())
    if (slot.busy) return { waitMs: BUSY_WAIT_MS }
    slot.busy = true
    try {
      return await this.#close(group, slot, signal)
    } catch (error) {
      if (error instanceof EngineUnavailableError) this.#stale = true
      slot.ticket = null
      this.#trouble(group, error)
      throw error
    } finally {
      slot.busy = false
      // It may have become idle, and only now may it be put to sleep for another.
      if (slot.handle) this.#room.offer()
    }
  }

  /** Stops every sandbox; unfinished turns are handed back by their runners. For `down`, not for a restart. */
  async stopAll(): Promise<void> {
    const stops = [...this.#slots.entries()].map(([group, slot]) =>
      this.#destroy(group, slot, 'stopped', 'the host is going down', GRACE_MS),
    )
    await Promise.allSettled(stops)
  }

  /** Ends the watches; sandboxes go on and are adopted by the next host. */
  release(): void {
    for (const [, slot] of this.#slots.entries()) slot.watch?.abort()
  }

  async #close(group: GroupName, slot: Slot, signal: AbortSignal): Promise<StepResult> {
    const { clock, dispatches, groups, limits, isHeldBack } = this.#ports
    const hasOpen = dispatches.hasOpen(group)
    // Many may wait for room: each look at one of them must cost next to nothing.
    if (hasOpen && !slot.handle && this.#room.mustWait(slot)) return { waitMs: CROWDED_WAIT_MS }
    const wanted = hasOpen && !isHeldBack(group)
    const open = wanted ? dispatches.open(group, LOOKED_AT) : []
    if (wanted) slot.lastBusyAt = clock.now()
    else slot.ticket = null
    seeOldest(slot, open[0]?.inboxSeq ?? null, limits.max_attempts)
    if (!hasOpen) slot.deaths = 0
    if (!groups.exists(group)) {
      await this.#destroy(group, slot, 'stopped', 'the group is gone', GRACE_MS)
      if (wanted) throw goneError(group)
      this.#ports.problems.well(group, 'sandbox')
      return 'idle'
    }
    // The common case first: a group that sleeps costs one indexed query.
    if (!wanted && !slot.handle) {
      this.#ports.problems.well(group, 'sandbox')
      return 'idle'
    }
    const config = groups.load(group)
    const spec = await this.#ports.specOf(group, config)
    takePulse(slot, this.#ports.mailbox.heartbeatAt(group), clock.now())
    const vitals = takeVitals(slot, {
      now: clock.now(),
      wanted,
      open,
      spec,
      specHash: this.#ports.specHash(spec),
    })
    const verdict = judgeVitals(vitals, livenessLimits(config, limits))
    const result = await this.#carryOut(verdict, group, slot, { config, spec, signal })
    if (slot.handle && (!hasOpen || !diedLately(slot))) this.#ports.problems.well(group, 'sandbox')
    return result
  }

  async #carryOut(
    verdict: Verdict,
    group: GroupName,
    slot: Slot,
    plan: { config: GroupConfig; spec: SandboxSpec; signal: AbortSignal },
  ): Promise<StepResult> {
    switch (verdict.do) {
      case 'keep':
        return 'idle'
      case 'start':
        return this.#start(group, slot, plan)
      case 'unpause':
        return this.#unpause(group, slot)
      case 'pause':
        await this.#pause(group, slot, 'idle')
        return 'again'
      case 'stop':
        await this.#destroy(group, slot, 'stopped', verdict.why, GRACE_MS)
        return 'again'
      case 'kill':
        this.#countDeath(group, slot)
        await this.#destroy(group, slot, 'killed', verdict.why, 0)
        return 'again'
    }
  }

  async #start(
    group: GroupName,
    slot: Slot,
    plan: { config: GroupConfig; spec: SandboxSpec; signal: AbortSignal },
  ): Promise<StepResult> {
    const { clock, engine, events } = this.#ports
    const begun = clock.now()
    if (slot.notBefore > begun) return { waitMs: slot.notBefore - begun }
    if (!(await this.#room.take(group, slot))) return { waitMs: CROWDED_WAIT_MS }
    try {
      await this.#ports.prepare(group, plan.config)
      const handle = await engine.start(plan.spec, plan.signal)
      this.#slots.change(slot, handle, clock.now())
      this.#watch(group, slot)
      events.sandboxStarted(group, handle.id, clock.now() - begun)
      return 'idle'
    } finally {
      this.#slots.setWaking(slot, false)
    }
  }

  async #unpause(group: GroupName, slot: Slot): Promise<StepResult> {
    if (!(await this.#room.take(group, slot))) return { waitMs: CROWDED_WAIT_MS }
    try {
      if (slot.handle) await this.#ports.engine.unpause(slot.handle)
      this.#setState(slot, 'running')
      this.#ports.events.sandboxChanged(group, 'unpaused', 'mail')
      return 'idle'
    } finally {
      this.#slots.setWaking(slot, false)
    }
  }

  async #pause(group: GroupName, slot: Slot, why: string): Promise<void> {
    if (slot.handle) await this.#ports.engine.pause(slot.handle)
    this.#setState(slot, 'paused')
    this.#ports.events.sandboxChanged(group, 'paused', why)
  }

  async #destroy(
    group: GroupName,
    slot: Slot,
    change: 'stopped' | 'killed',
    why: string,
    graceMs: number,
  ): Promise<void> {
    const { handle } = slot
    if (!handle) return
    slot.watch?.abort()
    await this.#ports.engine.destroy(handle, { graceMs })
    this.#slots.change(slot, null, this.#ports.clock.now())
    this.#ports.exited(group)
    this.#ports.events.sandboxChanged(group, change, why)
  }

  #watch(group: GroupName, slot: Slot): void {
    slot.watch?.abort()
    const { handle } = slot
    if (!handle) return
    const watch = new AbortController()
    slot.watch = watch
    const ended = (exit: SandboxExit | null) => {
      if (watch.signal.aborted || slot.handle?.id !== handle.id) return
      const busy = this.#ports.dispatches.hasOpen(group)
      if (busy) this.#countDeath(group, slot)
      this.#ports.events.sandboxExited(group, exit, busy)
      if (busy && slot.deaths + slot.givenUp > 1) this.#trouble(group, new Error(deathText(exit)))
      this.#slots.change(slot, null, this.#ports.clock.now())
      this.#ports.exited(group)
      this.#ports.nudge(group)
    }
    this.#ports.engine.wait(handle, watch.signal).then(ended, (error: unknown) => {
      // The connection broke, not the sandbox: the next listing tells how it is.
      if (!watch.signal.aborted) this.#stale = true
      if (!watch.signal.aborted && !(error instanceof EngineUnavailableError)) {
        this.#trouble(group, error)
      }
    })
  }

  #countDeath(group: GroupName, slot: Slot): void {
    const oldest = this.#ports.dispatches.open(group, 1)[0]?.inboxSeq ?? null
    seeOldest(slot, oldest, this.#ports.limits.max_attempts)
    countDeath(slot, this.#ports.clock.now(), this.#ports.random)
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { engine, clock, events } = this.#ports
    const begun = this.#slots.tick()
    const handles = await engine.list(signal)
    const now = clock.now()
    const seen = new Set<string>()
    for (const handle of handles) {
      const slot = this.#slots.get(handle.group, now)
      seen.add(handle.id)
      // What the listing says of these is older than what was done to them meanwhile.
      if (slot.busy || slot.changed > begun) continue
      if (handle.state === 'exited') {
        await this.#bury(handle, slot)
      } else if (slot.handle?.id !== handle.id) {
        this.#slots.change(slot, handle, now)
        slot.lastWokenAt = now
        this.#watch(handle.group, slot)
        events.sandboxAdopted(handle.group, handle.id, handle.state)
      } else {
        this.#setState(slot, handle.state)
        // After the engine was away the old watch is dead; watching twice is harmless.
        if (this.#stale) this.#watch(handle.group, slot)
      }
    }
    for (const [, slot] of this.#slots.entries()) {
      if (slot.handle && !slot.busy && slot.changed <= begun && !seen.has(slot.handle.id)) {
        this.#slots.change(slot, null, now)
      }
    }
    this.#stale = false
  }

  /** Removes what is left of a sandbox that ended unseen; one that cannot be removed holds up its own group only. */
  async #bury(handle: SandboxHandle, slot: Slot): Promise<void> {
    slot.busy = true
    try {
      await this.#ports.engine.destroy(handle, { graceMs: 0 })
      if (slot.handle?.id === handle.id) this.#slots.change(slot, null, this.#ports.clock.now())
    } catch (error) {
      if (error instanceof EngineUnavailableError) throw error
      this.#trouble(handle.group, error)
    } finally {
      slot.busy = false
    }
  }

  #setState(slot: Slot, state: SandboxHandle['state']): void {
    if (slot.handle) this.#slots.change(slot, { ...slot.handle, state }, this.#ports.clock.now())
  }

  #trouble(group: GroupName, error: unknown): void {
    const hint = error instanceof CreelError && error.hint ? ` (${error.hint})` : ''
    this.#ports.problems.report(group, 'sandbox', errorText(error) + hint)
  }
}
