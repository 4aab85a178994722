import { readdirSync, readFileSync } from 'node:fs'
import type { Clock } from '../../clock.ts'

/** Name of the variable that marks the server and everything that it starts. */
export const TREE_MARK = 'CREEL_OPENCODE_TREE'

/** A process that forks while it is looked for may be missed once. */
const ROUNDS = 5
const ROUND_MS = 20

/**
 * Kills every process that was started with this mark in its environment, and returns how many. The server's tools run
 * in groups of their own and outlive it, and orphans have lost their parent, so neither a group nor a walk from a
 * parent finds them all. Without a /proc it does nothing.
 */
export async function killMarked(mark: string, clock: Clock): Promise<number> {
  const killed = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    const found = marked(mark)
    if (found.length === 0) break
    for (const pid of found) {
      kill(pid, 'SIGKILL')
      killed.add(pid)
    }
    await clock.sleep(ROUND_MS, new AbortController().signal)
  }
  return killed.size
}

/** Sends a signal to a process, or to a group when negative; one that is gone already is fine. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

function marked(mark: string): number[] {
  const line = `${TREE_MARK}=${mark}`
  return processes().filter((pid) => pid !== process.pid && environment(pid).split('\0').includes(line))
}

function processes(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** Empty for a process of another user, one that has just ended, and one that has ended but was not waited for. */
function environment(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return ''
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
