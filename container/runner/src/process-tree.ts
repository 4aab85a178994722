import { readdirSync, readFileSync } from 'node:fs'

/** Rounds of looking for processes that were made while others were being killed. */
const MAX_ROUNDS = 10

/** A variable in the environment of a process, by which its descendants are found wherever they hide. */
export interface ProcessMark {
  readonly name: string
  readonly value: string
}

/**
 * Kills a process and everything that came from it. A tool's shell runs in a process group of its own and is handed
 * to init when its parent dies, so neither group nor parent finds it: what carries the mark in its environment does.
 * Needs /proc; without it only the process itself is killed. Never throws.
 */
export function killTree(root: number | undefined, mark: ProcessMark): void {
  if (root !== undefined) kill(root)
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const left = descendants(root, mark)
    if (left.length === 0) return
    for (const pid of left) kill(pid)
  }
}

/** Living processes below `root` or with the mark, `root` not included. */
export function descendants(root: number | undefined, mark: ProcessMark): number[] {
  const parents = new Map<number, number>()
  const marked = new Set<number>()
  const entry = `${mark.name}=${mark.value}`
  for (const pid of pids()) {
    const stat = read(`/proc/${pid}/stat`)
    // The name in parentheses may hold anything; state and parent come after it.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === undefined || parent === undefined || state === 'Z' || state === 'X') continue
    parents.set(pid, Number(parent))
    if (read(`/proc/${pid}/environ`).split('\0').includes(entry)) marked.add(pid)
  }
  const isBelow = (pid: number): boolean => {
    const seen = new Set<number>()
    for (let at = parents.get(pid); at !== undefined && !seen.has(at); at = parents.get(at)) {
      if (at === root || marked.has(at)) return true
      seen.add(at)
    }
    return false
  }
  return [...parents.keys()].filter((pid) => pid !== root && (marked.has(pid) || isBelow(pid)))
}

function pids(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^[0-9]+$/.test(name) ? [Number(name)] : []))
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

/** Empty when the process is gone or somebody else's. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (isGone(error)) return ''
    throw error
  }
}

function kill(pid: number): void {
  signalProcess(pid, 'SIGKILL')
}

/** Sends a signal to a process, or to a group when negative; one that is gone or somebody else's is left alone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

function isGone(error: unknown): boolean {
  const codes = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL']
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
