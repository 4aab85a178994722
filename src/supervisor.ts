import { backoffMs } from './backoff.ts'
import type { Groups } from './config/groups.ts'
import type { GroupConfig, InstallConfig } from './config/schema.ts'
import { CreelError, EngineUnavailableError, errorText } from './domain/errors.ts'
import type { GroupName, UnixMs } from './domain/ids.ts'
import type { Clock } from './domain/ports/clock.ts'
import type { Mailbox } from './domain/ports/mailbox.ts'
import type { SandboxEngine, SandboxExit, SandboxHandle, SandboxSpec } from './domain/ports/sandbox.ts'
import type { DispatchStore } from './domain/ports/stores.ts'
import type { Events } from './events.ts'
import { judgeVitals, type Verdict } from './liveness.ts'
import type { StepResult } from './pump.ts'
import { SandboxSlots, type Slot } from './sandbox-slots.ts'
import { livenessLimits, takeVitals } from './vitals.ts'

export interface SupervisorPorts {
  readonly engine: SandboxEngine
  readonly groups: Groups
  readonly dispatches: Pick<DispatchStore, 'hasOpen' | 'open'>
  readonly mailbox: Pick<Mailbox, 'heartbeatAt'>
  readonly clock: Clock
  readonly random: () => number
  readonly events: Events
  readonly limits: InstallConfig['limits']
  /** Decides image, mounts and limits of a group. Throws CreelError when it cannot run. */
  readonly specOf: (group: GroupName, config: GroupConfig) => Promise<SandboxSpec>
  readonly specHash: (spec: SandboxSpec) => string
  /** Makes folders, mailbox files, settings and doorbell of a group. Idempotent. */
  readonly prepare: (group: GroupName, config: GroupConfig) => Promise<void>
  /** A group cannot work for now: told to the chats that wait. */
  readonly onProblem: (group: GroupName, problem: string, since: UnixMs) => void
  readonly nudge: (group: GroupName) => void
}

const GRACE_MS = 2_000
const CROWDED_WAIT_MS = 250
const DEATH_BACKOFF = { baseMs: 500, maxMs: 60_000 }

/**
 * Keeps a sandbox alive for every group with unsettled mail: compares what is wanted with what runs and closes
 * the difference, one step per group. It is told nothing; it looks.
 */
export class Supervisor {
  readonly #ports: SupervisorPorts
  readonly #slots = new SandboxSlots()
  #listing: Promise<void> | null = null
  #stale = true

  constructor(ports: SupervisorPorts) {
    this.#ports = ports
  }

  /** Groups worth a look: those that exist and those that still have a sandbox. */
  groups(): Iterable<GroupName> {
    const names = new Set(this.#ports.groups.names())
    for (const [group, slot] of this.#slots.entries()) if (slot.handle) names.add(group)
    return names
  }

  /** How a group is, for a person. */
  status(group: GroupName): { state: 'asleep' | 'awake' | 'paused'; problem: string | null } {
    const slot = this.#slots.find(group)
    const state = slot?.handle?.state
    return {
      state: state === 'running' ? 'awake' : state === 'paused' ? 'paused' : 'asleep',
      problem: slot?.problem ?? null,
    }
  }

  handle(group: GroupName): SandboxHandle | null {
    return this.#slots.find(group)?.handle ?? null
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
    if (this.#stale) await this.refresh(signal)
    const now = this.#ports.clock.now()
    const slot = this.#slots.get(group, now)
    slot.busy = true
    try {
      return await this.#close(group, slot, signal)
    } catch (error) {
      if (error instanceof EngineUnavailableError) this.#stale = true
      this.#trouble(group, slot, error)
      throw error
    } finally {
      slot.busy = false
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
    const { clock, dispatches, groups, limits } = this.#ports
    const wanted = dispatches.hasOpen(group)
    const open = wanted ? dispatches.open(group) : []
    if (wanted) slot.lastBusyAt = clock.now()
    if (open[0]?.inboxSeq !== slot.stuckOn) this.#forgetDeaths(slot)
    if (!groups.exists(group)) {
      await this.#destroy(group, slot, 'stopped', 'the group is gone', GRACE_MS)
      return 'idle'
    }
    // The common case first: a group that sleeps costs one indexed query.
    if (!wanted && !slot.handle) {
      this.#well(group, slot)
      return 'idle'
    }
    const config = groups.load(group)
    const spec = await this.#ports.specOf(group, config)
    const vitals = takeVitals(slot, {
      now: clock.now(),
      wanted,
      open,
      heartbeatAt: this.#ports.mailbox.heartbeatAt(group),
      spec,
      specHash: this.#ports.specHash(spec),
    })
    const verdict = judgeVitals(vitals, livenessLimits(config, limits))
    const result = await this.#carryOut(verdict, group, slot, { config, spec, signal })
    if (slot.handle && slot.deaths === 0) this.#well(group, slot)
    return result
  }

  async #carryOut(
    verdict: Verdict,
    group: GroupName,
    slot: Slot,
    plan: { config: GroupConfig; spec: SandboxSpec; signal: AbortSignal },
  ): Promise<StepResult> {
    const { engine, events } = this.#ports
    switch (verdict.do) {
      case 'keep':
        return 'idle'
      case 'start':
        return this.#start(group, slot, plan)
      case 'unpause':
        if (slot.handle) await engine.unpause(slot.handle)
        this.#setState(slot, 'running')
        events.sandboxChanged(group, 'unpaused', 'mail')
        return 'idle'
      case 'pause':
        if (slot.handle) await engine.pause(slot.handle)
        this.#setState(slot, 'paused')
        events.sandboxChanged(group, 'paused', 'idle')
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
    const { clock, engine, events, limits } = this.#ports
    const begun = clock.now()
    if (slot.notBefore > begun) return { waitMs: slot.notBefore - begun }
    if (this.#slots.running() >= limits.max_running && !(await this.#makeRoom())) {
      return { waitMs: CROWDED_WAIT_MS }
    }
    await this.#ports.prepare(group, plan.config)
    slot.handle = await engine.start(plan.spec, plan.signal)
    slot.lastWokenAt = clock.now()
    this.#watch(group, slot)
    events.sandboxStarted(group, slot.handle.id, clock.now() - begun)
    return 'idle'
  }

  /** Pauses the sandbox that has been idle the longest; false when all are at work. */
  async #makeRoom(): Promise<boolean> {
    const idle = [...this.#slots.entries()]
      .filter(
        ([group, slot]) =>
          slot.handle?.state === 'running' && !slot.busy && !this.#ports.dispatches.hasOpen(group),
      )
      .sort(([, a], [, b]) => a.lastBusyAt - b.lastBusyAt)[0]
    const [group, slot] = idle ?? []
    if (!group || !slot?.handle) return false
    await this.#ports.engine.pause(slot.handle)
    this.#setState(slot, 'paused')
    this.#ports.events.sandboxChanged(group, 'paused', 'room for others')
    return true
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
    slot.handle = null
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
      if (busy && slot.deaths > 1) this.#trouble(group, slot, new Error(deathText(exit)))
      slot.handle = null
      this.#ports.nudge(group)
    }
    this.#ports.engine.wait(handle, watch.signal).then(ended, (error: unknown) => {
      // The connection broke, not the sandbox: the next listing tells how it is.
      if (!watch.signal.aborted) this.#stale = true
      if (!watch.signal.aborted && !(error instanceof EngineUnavailableError)) {
        this.#trouble(group, slot, error)
      }
    })
  }

  #countDeath(group: GroupName, slot: Slot): void {
    const oldest = this.#ports.dispatches.open(group)[0]?.inboxSeq ?? null
    slot.deaths = oldest === slot.stuckOn ? slot.deaths + 1 : 1
    slot.stuckOn = oldest
    // The first death is answered at once: it may be anything. Then the waits grow.
    const waitMs = backoffMs(slot.deaths - 1, DEATH_BACKOFF, this.#ports.random)
    slot.notBefore = (this.#ports.clock.now() + waitMs) as UnixMs
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { engine, clock, events } = this.#ports
    const handles = await engine.list(signal)
    const now = clock.now()
    const seen = new Set<string>()
    for (const handle of handles) {
      const slot = this.#slots.get(handle.group, now)
      seen.add(handle.id)
      if (slot.busy) continue
      if (handle.state === 'exited') {
        await engine.destroy(handle, { graceMs: 0 })
        if (slot.handle?.id === handle.id) slot.handle = null
      } else if (slot.handle?.id !== handle.id) {
        slot.handle = handle
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
      if (slot.handle && !slot.busy && !seen.has(slot.handle.id)) slot.handle = null
    }
    this.#stale = false
  }

  #forgetDeaths(slot: Slot): void {
    slot.deaths = 0
    slot.stuckOn = null
    slot.notBefore = 0 as UnixMs
  }

  #setState(slot: Slot, state: SandboxHandle['state']): void {
    if (!slot.handle) return
    if (state === 'running' && slot.handle.state !== 'running') slot.lastWokenAt = this.#ports.clock.now()
    slot.handle = { ...slot.handle, state }
  }

  #trouble(group: GroupName, slot: Slot, error: unknown): void {
    const hint = error instanceof CreelError && error.hint ? ` (${error.hint})` : ''
    const problem = errorText(error) + hint
    if (slot.problem === null) slot.problemSince = this.#ports.clock.now()
    if (slot.problem !== problem) this.#ports.events.groupProblem(group, problem)
    slot.problem = problem
    this.#ports.onProblem(group, problem, slot.problemSince)
  }

  #well(group: GroupName, slot: Slot): void {
    if (slot.problem === null) return
    slot.problem = null
    this.#ports.events.groupRecovered(group)
  }
}

function deathText(exit: SandboxExit | null): string {
  if (exit?.oomKilled) return 'its sandbox ran out of memory: raise limits.memory_mb in container.json'
  return `its sandbox ended by itself (exit code ${exit?.code ?? 'unknown'}): ./creel logs shows why`
}
