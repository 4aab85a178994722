import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

/**
 * Puts `content` at `path` so that a reader sees the old or the new content and a power cut leaves one of the two.
 * The folder must be writable for the host alone.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  const draft = `${path}.new`
  rmSync(draft, { force: true })
  const file = openSync(draft, 'wx', mode)
  try {
    writeFileSync(file, content)
    fchmodSync(file, mode)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  moveIntoPlace(draft, path)
}

/** Renames and makes the rename survive a power cut. */
export function moveIntoPlace(from: string, to: string): void {
  renameSync(from, to)
  const folder = openSync(dirname(to), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
