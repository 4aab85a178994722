import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DraftAnswer, DraftJob } from './draft-wire.ts'
import { MAX_BYTES, MAX_DEPTH, MAX_FILES } from './read-skill.ts'

/** Entries that are looked at in all, those that do not belong to a skill included. */
const MAX_ENTRIES = 1_000
const MAX_NAME = 100
const SAFE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Why a folder is not taken, in words for the agent. */
class Refusal extends Error {
  override name = 'Refusal'
}

interface Copy {
  readonly to: string
  files: number
  bytes: number
  entries: number
}

/**
 * Copies a folder that a sandbox can change meanwhile: everything is looked at on what is open, nothing is followed, and
 * only plain files come along. Runs only in the child process: whatever hangs is killed.
 */
export function copyDraft({ root, path, to }: DraftJob): DraftAnswer {
  try {
    const parts = path.split('/')
    if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0')))
      throw new Refusal('expected a folder inside of your workspace, such as skills/tides')
    const copy: Copy = { to, files: 0, bytes: 0, entries: 0 }
    copyFolder(copy, join(realpathSync(root), ...parts), '', 0)
    return { kind: 'copied' }
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', reason: error.message }
    throw error
  }
}

function copyFolder(copy: Copy, folder: string, below: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new Refusal(`expected at most ${MAX_DEPTH} folders inside each other`)
  const open = opened(folder, SAFE | constants.O_DIRECTORY, below === '' ? 'the folder' : below)
  try {
    checkPlace(open, folder, below)
    mkdirSync(join(copy.to, below), { mode: 0o700 })
    for (const entry of entriesIn(open, folder)) {
      copy.entries += 1
      if (copy.entries > MAX_ENTRIES) throw new Refusal(`expected at most ${MAX_FILES} files`)
      // Such as .git: it is no part of a skill.
      if (entry.name.startsWith('.')) continue
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (Buffer.byteLength(entry.name) > MAX_NAME || /[\p{C}\\]/u.test(entry.name))
        throw new Refusal(
          `${JSON.stringify(path.slice(0, 200))}: expected plain names of at most ${MAX_NAME} bytes`,
        )
      if (entry.isDirectory()) copyFolder(copy, join(folder, entry.name), path, depth + 1)
      else copyFile(copy, join(folder, entry.name), path)
    }
  } finally {
    closeSync(open)
  }
}

function copyFile(copy: Copy, file: string, path: string): void {
  const open = opened(file, SAFE, path)
  try {
    const stat = fstatSync(open)
    if (!stat.isFile()) throw new Refusal(`${path} is not a file`)
    if (stat.nlink > 1) throw new Refusal(`${path} has a second name (hard link)`)
    checkPlace(open, file, path)
    copy.files += 1
    if (copy.files > MAX_FILES) throw new Refusal(`expected at most ${MAX_FILES} files`)
    const room = MAX_BYTES - copy.bytes
    if (stat.size > room) throw new Refusal(`expected at most ${MAX_BYTES} bytes in all`)
    const content = contentOf(open, Math.min(stat.size, room))
    copy.bytes += content.length
    const mode = (stat.mode & 0o111) === 0 ? 0o644 : 0o755
    writeFileSync(join(copy.to, path), content, { flag: 'wx', mode })
  } finally {
    closeSync(open)
  }
}

/** As long as it was when it was opened: what is written on behind that is not its business. */
function contentOf(file: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  let done = 0
  while (done < bytes) {
    const read = readSync(file, buffer, done, bytes - done, done)
    if (read === 0) break
    done += read
  }
  return buffer.subarray(0, done)
}

function entriesIn(open: number, folder: string): Dirent[] {
  const dir = opendirSync(process.platform === 'linux' ? `/proc/self/fd/${open}` : folder)
  try {
    const entries: Dirent[] = []
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
      entries.push(entry)
      if (entries.length > MAX_ENTRIES) break
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } finally {
    dir.closeSync()
  }
}

function opened(path: string, flags: number, name: string): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'ENOENT') throw new Refusal(`${name} is not there`)
    if (code === 'ELOOP') throw new Refusal(`${name} is a symbolic link, which is not followed`)
    if (code === 'ENOTDIR') throw new Refusal(`${name} is not a folder`)
    if (code === 'EACCES') throw new Refusal(`${name} cannot be read by others: chmod -R a+rX it first`)
    throw new Refusal(`${name} cannot be opened (${code})`)
  }
}

/** A folder on the way that is a link would pass O_NOFOLLOW. */
function checkPlace(open: number, path: string, name: string): void {
  if (process.platform === 'linux' && readlinkSync(`/proc/self/fd/${open}`) !== path)
    throw new Refusal(
      `${name === '' ? 'the folder' : name} does not lie where it should: links are not followed`,
    )
}
