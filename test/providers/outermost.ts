import { existsSync, readFileSync } from 'node:fs'

/** Of these processes the ones whose parent is none of them. Numbers tell nothing of that: they begin again from below. */
export function outermost(pids: readonly number[]): number[] {
  return pids.filter((pid) => existsSync(`/proc/${pid}`) && !pids.includes(parentOf(pid)))
}

function parentOf(pid: number): number {
  // After the name in parentheses, which may hold anything: state, parent (proc_pid_stat(5)).
  return Number(/.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
}
