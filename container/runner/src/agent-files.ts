import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

// Folders that the agent writes too may hold anything: links, pipes, files without an end. Nothing here follows a link
// in the last part of a path, waits for a pipe, or reads more than it was told to.

const SAFE = constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * The end of a file, at most `maxBytes` of it. Throws when it is not there, or not a plain file.
 */
export function readEnd(path: string, maxBytes: number): Buffer {
  const file = openSync(path, constants.O_RDONLY | SAFE)
  try {
    const { size } = plainFile(file, path)
    return bytesAt(file, Math.max(0, size - maxBytes), Math.min(size, maxBytes))
  } finally {
    closeSync(file)
  }
}

/** Size in bytes, 0 when it is not there. Throws when it is not a plain file. */
export function sizeOf(path: string): number {
  try {
    const file = openSync(path, constants.O_RDONLY | SAFE)
    try {
      return plainFile(file, path).size
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

/** Adds to the end of a file that is made when it is missing. Throws when it is not a plain file, or for the disk. */
export function appendTo(path: string, text: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | SAFE, 0o644)
  try {
    plainFile(file, path)
    writeFileSync(file, text)
  } finally {
    closeSync(file)
  }
}

/** Takes the last `bytes` bytes away. Throws when it is not a plain file. */
export function dropEnd(path: string, bytes: number): void {
  const file = openSync(path, constants.O_RDWR | SAFE)
  try {
    ftruncateSync(file, Math.max(0, plainFile(file, path).size - bytes))
  } finally {
    closeSync(file)
  }
}

/** A new file in place of whatever was there. Throws for a folder in its place, or for the disk. */
export function writeAnew(path: string, text: string): void {
  rmSync(path, { force: true })
  writeFileSync(path, text, { flag: 'wx' })
}

/** The folder below `parent`, made when it is missing. Throws when a link in between leads somewhere else. */
export function ownFolder(parent: string, ...names: readonly string[]): string {
  // One after the other: making them all at once never ends where a link leads to nothing.
  for (const depth of names.keys()) makeFolder(join(parent, ...names.slice(0, depth + 1)))
  return checkedFolder(parent, ...names)
}

/** The folder below `parent`. Throws when it is not there, or when a link in between leads somewhere else. */
export function checkedFolder(parent: string, ...names: readonly string[]): string {
  const path = join(parent, ...names)
  if (realpathSync(path) !== join(realpathSync(parent), ...names)) throw new Error(`${path} leads elsewhere`)
  return path
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function plainFile(file: number, path: string): { size: number } {
  const found = fstatSync(file)
  if (!found.isFile()) throw new Error(`${path} is not a plain file`)
  return found
}

function bytesAt(file: number, from: number, length: number): Buffer {
  const buffer = Buffer.alloc(length)
  let done = 0
  while (done < length) {
    const read = readSync(file, buffer, done, length - done, from + done)
    if (read === 0) break
    done += read
  }
  return buffer.subarray(0, done)
}
