import { readFileSync } from 'node:fs'

/** Whether a process of this id, as `scribe.mjs` noted it, still does anything: one that nobody has buried does not. */
export function isRunning(pid: string): boolean {
  if (pid === '') return false
  try {
    process.kill(Number(pid), 0)
    const stat = process.platform === 'linux' ? readFileSync(`/proc/${pid}/stat`, 'utf8') : ''
    return !/\) [ZX] /.test(stat)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ESRCH' || code === 'ENOENT') return false
    throw error
  }
}
