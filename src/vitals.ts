import type { GroupConfig, InstallConfig } from './config/schema.ts'
import type { UnixMs } from './domain/ids.ts'
import type { SandboxSpec } from './domain/ports/sandbox.ts'
import type { OpenDispatch } from './domain/ports/stores.ts'
import type { LivenessLimits, Vitals } from './liveness.ts'
import type { Slot } from './sandbox-slots.ts'

/** A runner that keeps its own turn limit never gets this far past it. */
const TURN_MARGIN_MS = 60_000

/** Pure: what is known of a group, as the numbers that the verdict rests on. */
export function takeVitals(
  slot: Slot,
  facts: {
    readonly now: UnixMs
    readonly wanted: boolean
    readonly open: readonly OpenDispatch[]
    readonly heartbeatAt: UnixMs | null
    readonly spec: SandboxSpec
    readonly specHash: string
  },
): Vitals {
  const { now, wanted, open, heartbeatAt, spec, specHash } = facts
  const { handle } = slot
  const begun = open.flatMap((d) => (d.acceptedAt === null ? [] : [d.acceptedAt]))
  const pulse = Math.max(heartbeatAt ?? 0, handle?.startedAt ?? 0, slot.lastWokenAt)
  return {
    wanted,
    state: handle === null || handle.state === 'exited' ? 'none' : handle.state,
    outdated: handle !== null && (handle.specHash !== specHash || handle.protocol !== spec.protocol),
    idleMs: now - slot.lastBusyAt,
    quietMs: now - pulse,
    // A turn that was begun in an earlier sandbox began again when this one woke.
    turnMs: begun.length === 0 ? 0 : now - Math.max(Math.min(...begun), slot.lastWokenAt),
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
