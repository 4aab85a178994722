import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for something that only can be looked at. */
export async function until(what: string, check: () => boolean): Promise<void> {
  const end = Date.now() + 20_000
  while (!check()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await sleep(20)
  }
}

/** Processes that have all of these words on their command line, and `variable` in their environment if it is given. */
export function running(words: readonly string[], variable?: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !/\) [ZX] /.test(about(pid, 'stat')))
    .filter((pid) => words.every((word) => about(pid, 'cmdline').includes(word)))
    .filter((pid) => variable === undefined || about(pid, 'environ').includes(variable))
}

/** Empty when the process is gone in the meantime. */
function about(pid: number, file: 'stat' | 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^(?:ENOENT|ESRCH|EACCES)$/.test(String(error.code)))
      return ''
    throw error
  }
}
