import { opendirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { appendTo, checkedFolder, isMissing, readEnd, sizeOf, writeAnew } from '../agent-files.ts'
import { type EventLog, errorText } from '../log.ts'
import { CONVERSATIONS } from '../transcript.ts'
import { shortened } from '../transcript-entry.ts'
import { entryLine, type MemoryEntry, type MemorySource, parsedEntry } from './memory-entry.ts'

export const MEMORY_INDEX = 'index.md'
/** Characters of the index that each conversation is given. */
export const MAX_INDEX_SHOWN = 8_000
/** A page beyond this gets no more entries; nothing here reads more of a file. */
const MAX_PAGE_BYTES = 256 * 1024
const MAX_FILES = 500
const MAX_NAMES = 5_000
const MAX_DEPTH = 4
const SCAFFOLD = '# Memory\n\n## People\n\n## Work\n\n## Files\n\n## Noted\n'

/** Words for whoever asked: what is wrong and what to do. */
export class MemoryRefusal extends Error {
  override name = 'MemoryRefusal'
}

export interface MemoryFile {
  /** Relative to the memory folder. */
  readonly path: string
  readonly bytes: number
}

/**
 * The agent's memory: markdown files that it keeps as it likes, and the entries that are written for it with their
 * source. It may have put anything there, so nothing follows a link, and nothing is believed to have any form.
 */
export class MemoryFiles {
  readonly #folder: string
  readonly #log: EventLog

  constructor(memoryDir: string, log: EventLog) {
    this.#folder = memoryDir
    this.#log = log
  }

  /** Makes the index when there is none. Never throws: a memory that cannot be written costs no turn. */
  prepare(): void {
    try {
      if (sizeOf(this.#path(MEMORY_INDEX)) === 0) writeAnew(this.#path(MEMORY_INDEX), SCAFFOLD)
    } catch (error) {
      this.#log('memory_index_not_made', { error: errorText(error) })
    }
  }

  /** The index as a conversation is given it, with a word on what is left out; '' when nothing stands in it. */
  indexText(): string {
    try {
      const text = this.read(MEMORY_INDEX).trim()
      const says = text.split('\n').some((line) => line.trim() !== '' && !line.startsWith('#'))
      return says ? shortened(text, MAX_INDEX_SHOWN) : ''
    } catch (error) {
      if (!isMissing(error)) this.#log('memory_index_not_read', { error: errorText(error) })
      return ''
    }
  }

  /** A file of the memory, its end when it is very long. Throws MemoryRefusal, or as the disk does. */
  read(path: string): string {
    return readEnd(this.#path(path), MAX_PAGE_BYTES).toString('utf8')
  }

  /** Another one for each text of a file; `none` when there is no file. Throws MemoryRefusal, or as the disk does. */
  print(path: string): string {
    try {
      const { createHash } = process.getBuiltinModule('node:crypto')
      return createHash('sha256').update(this.read(path)).digest('hex').slice(0, 16)
    } catch (error) {
      if (isMissing(error)) return 'none'
      throw error
    }
  }

  /**
   * Writes it into the index, or into the page of a topic that the index then names. False when it stands there
   * already. Throws MemoryRefusal, or as the disk does.
   */
  remember(text: string, topic: string | undefined, source: MemorySource): { id: string; added: boolean } {
    const { id, line } = entryLine(text, source)
    const page = topic === undefined ? MEMORY_INDEX : `${topic}.md`
    const path = this.#path(page)
    const bytes = sizeOf(path)
    if (bytes + line.length * 3 > MAX_PAGE_BYTES)
      throw new MemoryRefusal(`${page} is full (${bytes} bytes): tidy it up, or take another topic`)
    const before = bytes === 0 ? '' : this.read(page)
    const added = !before.split('\n').some((one) => parsedEntry(one)?.id === id)
    if (added) {
      const head = before === '' && topic !== undefined ? `# ${topic}\n\n` : ''
      appendTo(path, `${head}${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`)
    }
    if (topic !== undefined) this.#linkTo(topic)
    return { id, added }
  }

  /** The entry of this id, and where it stands. */
  find(id: string): { readonly path: string; readonly entry: MemoryEntry } | undefined {
    for (const { path } of this.list()) {
      for (const line of this.#lines(path)) {
        const entry = parsedEntry(line)
        if (entry?.id === id) return { path, entry }
      }
    }
    return undefined
  }

  /** Takes the entry out of all files; says how many times it stood there. */
  forget(id: string): number {
    let gone = 0
    for (const { path } of this.list()) {
      const lines = this.#lines(path)
      const kept = lines.filter((line) => parsedEntry(line)?.id !== id)
      if (kept.length === lines.length) continue
      gone += lines.length - kept.length
      this.write(path, kept.join('\n'))
    }
    return gone
  }

  /** Removes a file, also one that is a link or no file at all; false when there is none. Throws for a folder. */
  remove(path: string): boolean {
    const full = this.#path(path)
    try {
      rmSync(full)
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw new MemoryRefusal(`${path} cannot be removed: ${errorText(error)}`, { cause: error })
    }
  }

  /** Puts a text in the place of a file. Its folder has to be there. */
  write(path: string, text: string): void {
    const full = this.#path(path)
    writeAnew(`${full}.new`, text)
    renameSync(`${full}.new`, full)
  }

  /** Its markdown files without the transcripts, the index first; bounded. */
  list(): MemoryFile[] {
    const found: MemoryFile[] = []
    const folders: { path: string; depth: number }[] = [{ path: '', depth: 0 }]
    let names = 0
    for (const { path: folder, depth } of folders) {
      for (const { name, isFolder } of this.#names(folder)) {
        names += 1
        if (names > MAX_NAMES || found.length >= MAX_FILES) return inOrder(found)
        const path = join(folder, name)
        if (isFolder && depth < MAX_DEPTH && path !== CONVERSATIONS) folders.push({ path, depth: depth + 1 })
        if (!isFolder && name.endsWith('.md')) found.push({ path, bytes: this.#size(path) })
      }
    }
    return inOrder(found)
  }

  #linkTo(topic: string): void {
    const link = `(${topic}.md)`
    const index = sizeOf(this.#path(MEMORY_INDEX)) === 0 ? SCAFFOLD : this.read(MEMORY_INDEX)
    if (index.includes(link)) return
    const line = `- [${topic}]${link}`
    const [head, ...rest] = index.split('\n## Files\n')
    const text =
      rest.length === 0
        ? `${index.trimEnd()}\n${line}\n`
        : [`${head}\n## Files\n\n${line}`, ...rest].join('\n')
    this.write(MEMORY_INDEX, text.replace(`${line}\n\n- [`, `${line}\n- [`))
  }

  #lines(path: string): string[] {
    try {
      // The end of a page that is too long would be all that is written back.
      return this.#size(path) > MAX_PAGE_BYTES ? [] : this.read(path).split('\n')
    } catch (error) {
      if (!isMissing(error)) this.#log('memory_not_read', { error: errorText(error) })
      return []
    }
  }

  #size(path: string): number {
    try {
      return sizeOf(this.#path(path))
    } catch (error) {
      this.#log('memory_not_read', { error: errorText(error) })
      return 0
    }
  }

  #names(folder: string): { name: string; isFolder: boolean }[] {
    const names: { name: string; isFolder: boolean }[] = []
    try {
      const opened = opendirSync(checkedFolder(this.#folder, ...parts(folder)))
      try {
        for (let entry = opened.readSync(); entry && names.length < MAX_NAMES; entry = opened.readSync())
          if (entry.isFile() || entry.isDirectory())
            names.push({ name: entry.name, isFolder: entry.isDirectory() })
      } finally {
        opened.closeSync()
      }
    } catch (error) {
      if (!isMissing(error)) this.#log('memory_not_read', { error: errorText(error) })
    }
    return names
  }

  /** The file's path, in a folder that is really below the memory. */
  #path(path: string): string {
    const inside = parts(path)
    if (inside.length === 0 || inside.some((part) => part === '..' || part === '.' || part.includes('\0')))
      throw new MemoryRefusal(`${JSON.stringify(path).slice(0, 100)} is no file of the memory`)
    const folder = dirname(inside.join('/'))
    return join(checkedFolder(this.#folder, ...parts(folder === '.' ? '' : folder)), basename(path))
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

function inOrder(files: MemoryFile[]): MemoryFile[] {
  const rank = ({ path }: MemoryFile) => `${path === MEMORY_INDEX ? 0 : 1}${path}`
  return files.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}
