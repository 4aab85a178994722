import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs'
import { join } from 'node:path'
import type { MemoryAnswer, MemoryJob } from './wire.ts'

const MAX_FILES = 2_000
const MAX_NAMES = 10_000
const MAX_DEPTH = 6
const MAX_FILE_BYTES = 2 * 1024 * 1024
const MAX_BYTES = 64 * 1024 * 1024
const MAX_LINE = 20_000
const MAX_SHOWN = 400
const SAFE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Why a file is not read, in words for the owner. */
class Refusal extends Error {
  readonly code: 'not_found' | 'invalid'

  constructor(code: 'not_found' | 'invalid', message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Looks into a folder that a sandbox writes, while it may write. Everything is looked at on open files, so that nothing
 * can be exchanged in between. Runs only in the child process: whatever hangs is killed.
 */
export function readMemory(job: MemoryJob): MemoryAnswer {
  try {
    const root = realpathSync(job.folder)
    if (job.kind === 'read') return { kind: 'read', ...readPage(root, job.path) }
    return job.kind === 'list' ? listed(root) : searched(root, job.words, job.limit)
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', code: error.code, reason: error.message }
    if (codeOf(error) !== 'ENOENT') throw error
    if (job.kind === 'read') return { kind: 'refused', code: 'not_found', reason: 'there is no memory yet' }
    return { kind: job.kind, found: [], more: false }
  }
}

function listed(root: string): MemoryAnswer {
  const { paths, more } = pages(root)
  const found = paths.flatMap((path) => {
    try {
      return [withPage(root, path, (file) => ({ path, ...aboutFile(file) }))]
    } catch (error) {
      if (error instanceof Refusal) return []
      throw error
    }
  })
  return { kind: 'list', found, more: more || found.length < paths.length }
}

function searched(root: string, words: readonly string[], limit: number): MemoryAnswer {
  const { paths, more } = pages(root)
  const found: { path: string; line: number; text: string }[] = []
  let room = MAX_BYTES
  for (const path of paths) {
    if (room <= 0 || found.length > limit) break
    const text = textOf(root, path)
    room -= text.length
    for (const [index, whole] of text.split('\n').entries()) {
      const line = whole.slice(0, MAX_LINE)
      const folded = fold(line)
      if (words.every((word) => folded.includes(word)))
        found.push({ path, line: index + 1, text: line.slice(0, MAX_SHOWN).toWellFormed() })
    }
  }
  return { kind: 'search', found: found.slice(0, limit), more: more || room <= 0 || found.length > limit }
}

function textOf(root: string, path: string): string {
  try {
    return readPage(root, path).text
  } catch (error) {
    if (error instanceof Refusal) return ''
    throw error
  }
}

/** Without case and accents. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/(?![\u3099\u309A])\p{Mn}/gu, '')
    .normalize('NFC')
    .toLowerCase()
}

function readPage(root: string, path: string): { text: string; print: string; more: boolean } {
  return withPage(root, path, (file) => {
    const { bytes } = aboutFile(file)
    const buffer = Buffer.alloc(Math.min(bytes, MAX_FILE_BYTES))
    let done = 0
    while (done < buffer.length) {
      const read = readSync(file, buffer, done, buffer.length - done, done)
      if (read === 0) break
      done += read
    }
    const text = buffer.subarray(0, done).toString('utf8')
    // As the runner makes it.
    const print = createHash('sha256').update(text).digest('hex').slice(0, 16)
    return { text, print, more: bytes > MAX_FILE_BYTES }
  })
}

function aboutFile(file: number): { bytes: number; changedAt: number } {
  const { size, mtimeMs } = fstatSync(file)
  return { bytes: size, changedAt: Math.max(0, Math.trunc(mtimeMs)) }
}

function withPage<T>(root: string, path: string, use: (file: number) => T): T {
  const parts = path.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0')))
    throw new Refusal('invalid', 'expected a path inside of the memory folder')
  const full = join(root, ...parts)
  const file = opened(full, SAFE)
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) throw new Refusal('invalid', 'it is not a regular file')
    if (stat.nlink > 1) throw new Refusal('invalid', 'it has a second name (hard link)')
    checkPlace(file, full)
    return use(file)
  } finally {
    closeSync(file)
  }
}

/** Markdown files below the folder, by path; names that are not text are left out. */
function pages(root: string): { paths: string[]; more: boolean } {
  const paths: string[] = []
  const folders = [{ path: '', depth: 0 }]
  let names = 0
  for (const { path: folder, depth } of folders) {
    for (const entry of entriesIn(root, folder)) {
      names += 1
      if (names > MAX_NAMES || paths.length >= MAX_FILES) return { paths: paths.sort(), more: true }
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && depth < MAX_DEPTH) folders.push({ path, depth: depth + 1 })
      if (entry.isFile() && entry.name.endsWith('.md')) paths.push(path)
    }
  }
  return { paths: paths.sort(), more: false }
}

function* entriesIn(root: string, folder: string): Generator<Dirent> {
  const full = join(root, folder)
  let file: number
  try {
    file = opened(full, SAFE | constants.O_DIRECTORY)
  } catch (error) {
    // Gone or exchanged since it was seen.
    if (error instanceof Refusal) return
    throw error
  }
  try {
    checkPlace(file, full)
    const dir = opendirSync(process.platform === 'linux' ? `/proc/self/fd/${file}` : full)
    try {
      for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) yield entry
    } finally {
      dir.closeSync()
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
  } finally {
    closeSync(file)
  }
}

function opened(path: string, flags: number): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new Refusal('not_found', 'there is no such file')
    if (code === 'ELOOP') throw new Refusal('invalid', 'it is a link')
    throw new Refusal('invalid', `it cannot be opened (${code})`)
  }
}

/** A folder on the way that is a link would pass O_NOFOLLOW. */
function checkPlace(file: number, path: string): void {
  if (process.platform === 'linux' && readlinkSync(`/proc/self/fd/${file}`) !== path)
    throw new Refusal('invalid', 'it does not lie where it should')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
