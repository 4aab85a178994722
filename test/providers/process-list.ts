import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for something that only can be looked at. */
export async function until(what: string, check: () => boolean): Promise<void> {
  const end = Date.now() + 20_000
  while (!check()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await sleep(20)
  }
}

/** Processes that have all of these words on their command line. */
export function running(...words: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [line, stat] = ['cmdline', 'stat'].map((file) => {
        const path = `/proc/${pid}/${file}`
        return existsSync(path) ? readFileSync(path, 'utf8') : ''
      })
      return !/\) Z /.test(stat ?? '') && words.every((word) => line?.includes(word))
    })
    .map(Number)
}
