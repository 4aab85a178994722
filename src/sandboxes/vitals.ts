import type { GroupConfig, InstallConfig } from '../config/schema.ts'
import type { UnixMs } from '../domain/ids.ts'
import type { SandboxSpec } from '../domain/ports/sandbox.ts'
import type { OpenDispatch } from '../domain/ports/stores.ts'
import type { LivenessLimits, Vitals } from './liveness.ts'
import type { Slot } from './sandbox-slots.ts'

/** A runner that keeps its own turn limit never gets this far past it. */
const TURN_MARGIN_MS = 60_000

/** A group with a sandbox is looked at every second or so: a longer gap means that this machine slept. */
const SLEPT_MS = 30_000

/**
 * Notes a sandbox's heartbeat. What counts is that it changed, not what it says: its clock and ours may be hours
 * apart after one of them was set. Time in which nobody looked is held against nobody.
 */
export function takePulse(slot: Slot, heartbeatAt: UnixMs | null, now: UnixMs): void {
  const { pulse } = slot
  const slept = now - pulse.lookedAt > SLEPT_MS
  if (slept) slot.lastWokenAt = now
  const beat = pulse.heartbeatAt !== heartbeatAt
  slot.pulse = { heartbeatAt, foundAt: beat ? now : pulse.foundAt, lookedAt: now }
}

/** Pure: what is known of a group, as the numbers that the verdict rests on. */
export function takeVitals(
  slot: Slot,
  facts: {
    readonly now: UnixMs
    readonly wanted: boolean
    readonly open: readonly OpenDispatch[]
    readonly spec: SandboxSpec
    readonly specHash: string
  },
): Vitals {
  const { now, wanted, open, spec, specHash } = facts
  const { handle } = slot
  const begun = open.flatMap((d) => (d.acceptedAt === null ? [] : [d.acceptedAt]))
  const pulse = Math.max(slot.pulse.foundAt, slot.lastWokenAt)
  return {
    wanted,
    state: handle === null || handle.state === 'exited' ? 'none' : handle.state,
    outdated: handle !== null && (handle.specHash !== specHash || handle.protocol !== spec.protocol),
    idleMs: now - slot.lastBusyAt,
    quietMs: now - pulse,
    // A turn that was begun in an earlier sandbox began again when this one woke; one that began just now runs as well.
    turnMs: begun.length === 0 ? 0 : Math.max(1, now - Math.max(Math.min(...begun), slot.lastWokenAt)),
  }
}

/** The limits of a group: its own where it has them, else the install's. */
export function livenessLimits(config: GroupConfig, limits: InstallConfig['limits']): LivenessLimits {
  return {
    pauseAfterMs: (config.idle.pause_after_s ?? limits.pause_after_s) * 1000,
    stopAfterMs: (config.idle.stop_after_s ?? limits.stop_after_s) * 1000,
    heartbeatTimeoutMs: limits.heartbeat_timeout_s * 1000,
    turnDeadlineMs: config.limits.turn_timeout_s * 1000 + TURN_MARGIN_MS,
  }
}
