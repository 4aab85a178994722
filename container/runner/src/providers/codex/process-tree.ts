import { readdirSync, readFileSync } from 'node:fs'

/** Rounds of looking for what was started while we were killing. */
const MAX_ROUNDS = 5

/**
 * Kills a process and all below it, and every process that carries `mark` (`NAME=value`) in its environment: a tool
 * has a process group of its own, and one whose parent died is nobody's child. Only processes of this account are
 * looked at. Idempotent.
 */
export function killTree(pid: number | undefined, mark: string): void {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const all = processes()
    const doomed = all.filter((one) => one.pid === pid || carries(one.pid, mark) || isBelow(one, pid, all))
    if (doomed.length === 0) return
    for (const one of doomed) kill(one.pid)
  }
}

interface Process {
  readonly pid: number
  readonly parent: number
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      // The command's name stands in brackets and may hold anything: look behind the last one.
      const stat = readProc(`/proc/${name}/stat`)
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // A zombie is dead already; only its parent can remove it.
      const alive = parent !== undefined && state !== 'Z' && state !== 'X'
      return alive ? [{ pid: Number(name), parent: Number(parent) }] : []
    })
}

function isBelow(one: Process, ancestor: number | undefined, all: readonly Process[]): boolean {
  if (ancestor === undefined) return false
  let parent = one.parent
  for (let depth = 0; depth < 100 && parent > 1; depth += 1) {
    if (parent === ancestor) return true
    parent = all.find(({ pid }) => pid === parent)?.parent ?? 0
  }
  return false
}

function carries(pid: number, mark: string): boolean {
  return readProc(`/proc/${pid}/environ`).split('\0').includes(mark)
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // Gone in the meantime, or another account's.
    if (error instanceof Error && 'code' in error) return ''
    throw error
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // Gone in the meantime, or another account's.
    const ours = !(error instanceof Error && 'code' in error && /^(?:ESRCH|EPERM)$/.test(String(error.code)))
    if (ours) throw error
  }
}
