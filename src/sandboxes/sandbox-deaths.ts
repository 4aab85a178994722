import { backoffMs } from '../backoff.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { SandboxExit } from '../domain/ports/sandbox.ts'
import type { Slot } from './sandbox-slots.ts'

const DEATH_BACKOFF = { baseMs: 500, maxMs: 60_000 }

/** A message that was given up counts as much as the deaths that it took: the waits go on growing from there. */
const DEATHS_GIVEN_UP = 3

/**
 * The oldest of its unsettled messages is this one now; null when there is none. When another one has taken its place
 * the group has come forward, and earlier deaths count no more; but not when that one was given up after `maxAttempts`
 * deaths: a queue of messages that each kill the sandbox would have it started without end.
 */
export function seeOldest(slot: Slot, oldest: number | null, maxAttempts: number): void {
  if (oldest === slot.stuckOn) return
  if (slot.stuckOn !== null) slot.givenUp = slot.deaths >= maxAttempts ? slot.givenUp + 1 : 0
  slot.stuckOn = oldest
  slot.deaths = 0
  if (slot.givenUp === 0) slot.notBefore = 0 as UnixMs
}

/** A sandbox died with work to do. The first death is answered at once: it may be anything. Then the waits grow. */
export function countDeath(slot: Slot, now: UnixMs, random: () => number): void {
  slot.deaths += 1
  const failures = slot.deaths - 1 + slot.givenUp * DEATHS_GIVEN_UP
  slot.notBefore = (now + backoffMs(failures, DEATH_BACKOFF, random)) as UnixMs
}

/** Whether it died lately without having come forward since. */
export function diedLately({ deaths, givenUp }: Slot): boolean {
  return deaths > 0 || givenUp > 0
}

/** How it ended, and what to do, in words for a person. */
export function deathText(exit: SandboxExit | null): string {
  if (exit?.oomKilled) return 'its sandbox ran out of memory: raise limits.memory_mb in container.json'
  return `its sandbox ended by itself (exit code ${exit?.code ?? 'unknown'}): ./creel logs shows why. It is started again, each time after a longer wait, up to a minute`
}

/** Messages wait for a group that is there no more. */
export function goneError(group: GroupName): CreelError {
  return new CreelError('not_found', `the folder of the group ${group} is gone, and messages wait for it`, {
    hint: `put the folder back, or make a new one: ./creel group add ${group}`,
  })
}
