import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it; one that exists is fine. Not `mkdir` with `recursive`: that spins for ever
 * where a parent exists and still answers ENOENT, as in /proc or below a dangling link
 * (https://github.com/openclaw/openclaw/issues/130807).
 */
export function makeFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    makeFolder(dirname(path), mode)
    mkdirSync(path, mode)
  }
}
