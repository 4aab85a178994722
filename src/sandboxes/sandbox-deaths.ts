import { backoffMs } from '../backoff.ts'
import type { UnixMs } from '../domain/ids.ts'
import type { SandboxExit } from '../domain/ports/sandbox.ts'
import type { Slot } from './sandbox-slots.ts'

const DEATH_BACKOFF = { baseMs: 500, maxMs: 60_000 }

/**
 * A sandbox died with work to do, `oldest` being the first of its unsettled messages. The first death is answered at
 * once: it may be anything. Then the waits grow.
 */
export function countDeath(slot: Slot, oldest: number | null, now: UnixMs, random: () => number): void {
  slot.deaths = oldest === slot.stuckOn ? slot.deaths + 1 : 1
  slot.stuckOn = oldest
  slot.notBefore = (now + backoffMs(slot.deaths - 1, DEATH_BACKOFF, random)) as UnixMs
}

/** The group has come forward: earlier deaths count no more. */
export function forgetDeaths(slot: Slot): void {
  slot.deaths = 0
  slot.stuckOn = null
  slot.notBefore = 0 as UnixMs
}

/** How it ended, and what to do, in words for a person. */
export function deathText(exit: SandboxExit | null): string {
  if (exit?.oomKilled) return 'its sandbox ran out of memory: raise limits.memory_mb in container.json'
  return `its sandbox ended by itself (exit code ${exit?.code ?? 'unknown'}): ./creel logs shows why`
}
