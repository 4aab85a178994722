import { opendirSync } from 'node:fs'
import { join } from 'node:path'
import { appendTo, checkedFolder, dropEnd, isMissing, ownFolder, readEnd, sizeOf } from './agent-files.ts'
import { type EventLog, errorText } from './log.ts'
import {
  type Exchange,
  entriesOf,
  entryKey,
  entryText,
  type FoundEntry,
  lastBegin,
  lastKey,
  MAX_ENTRY_BYTES,
} from './transcript-entry.ts'
import {
  type FileName,
  fileName,
  newestFirst,
  parsedName,
  placeOf,
  type SessionPlace,
} from './transcript-names.ts'

/** Below the memory folder. */
export const CONVERSATIONS = 'conversations'

const MAX_FILE_BYTES = 1024 * 1024
/** Files of one conversation and day; what comes after them is counted, not written. */
const MAX_PARTS = 99
/** Names looked at in a folder that the agent may have filled. */
const MAX_NAMES = 10_000
/** Bounds of reading back, for a folder that holds much or nothing of use. */
const MAX_FILES_READ = 40
const MAX_BYTES_READ = 4 * 1024 * 1024
/** Enough to hold the mark that ends an entry. */
const MARK_BYTES = 200

/**
 * What was said, as markdown files below the agent's memory: one folder for each chat, one file for each day (UTC). The
 * agent reads and may change them, so nothing that is found there is trusted to have any form. Nothing here throws:
 * a full disk costs the record, not the turn.
 */
export class Transcript {
  readonly #memoryDir: string
  readonly #log: EventLog
  /** Exchanges in a row that could not be written. */
  #lost = 0

  constructor(memoryDir: string, log: EventLog) {
    this.#memoryDir = memoryDir
    this.#log = log
  }

  /** Where the agent finds it, as it sees its own folders: relative to the memory folder. */
  folderOf(session: string): string {
    return join(CONVERSATIONS, placeOf(session).folder)
  }

  /**
   * Writes an exchange down, in place of an earlier try at the same message. To be called before the message is
   * settled: a kill in between repeats both. Not synced: after a power cut the last ones may be missing.
   */
  append(exchange: Exchange): void {
    const { seq, message } = exchange
    try {
      const place = placeOf(message.session)
      const folder = ownFolder(this.#memoryDir, CONVERSATIONS, place.folder)
      const text = entryText(exchange)
      const newest = this.#names(folder, place).at(0)
      if (newest) dropEarlierTry(join(folder, fileName(place, newest)), entryKey(exchange))
      const path = this.#fileFor(folder, place, exchange.at, Buffer.byteLength(text))
      appendTo(path, gapBefore(path, exchange) + text)
      if (this.#lost > 0) this.#log('transcript_works_again', { lost: this.#lost })
      this.#lost = 0
    } catch (error) {
      this.#lost += 1
      if (this.#lost === 1) this.#log('transcript_not_written', { seq, error: errorText(error) })
    }
  }

  /**
   * The newest exchanges of a session, newest first and each once, until `enough` says so. Damaged ones are left out.
   * `more` tells whether there are older ones.
   */
  newest(session: string, enough: (entry: FoundEntry) => boolean): { entries: FoundEntry[]; more: boolean } {
    const entries: FoundEntry[] = []
    const seen = new Set<string>()
    try {
      const place = placeOf(session)
      const folder = checkedFolder(this.#memoryDir, CONVERSATIONS, place.folder)
      let room = MAX_BYTES_READ
      for (const [count, name] of this.#names(folder, place).entries()) {
        if (count >= MAX_FILES_READ || room <= 0) return { entries, more: true }
        const read = this.#read(join(folder, fileName(place, name)), room)
        room -= read.length
        for (const entry of entriesOf(read.toString('utf8')).reverse()) {
          if (seen.has(entry.key)) continue
          if (enough(entry)) return { entries, more: true }
          seen.add(entry.key)
          entries.push(entry)
        }
      }
    } catch (error) {
      if (!isMissing(error)) this.#log('transcript_not_read', { error: errorText(error) })
    }
    return { entries, more: false }
  }

  /** The end of one file; nothing of a thing that is no file, so that it does not hide the others. */
  #read(path: string, room: number): Buffer {
    try {
      return readEnd(path, Math.min(room, MAX_FILE_BYTES + MAX_ENTRY_BYTES))
    } catch (error) {
      this.#log('transcript_not_read', { error: errorText(error) })
      return Buffer.alloc(0)
    }
  }

  /** The last file of the day, or another part when that is full. */
  #fileFor(folder: string, place: SessionPlace, at: number, bytes: number): string {
    const day = new Date(at).toISOString().slice(0, 10)
    const last = this.#names(folder, place).find((name) => name.day === day) ?? { day, part: 1 }
    const path = join(folder, fileName(place, last))
    if (sizeOf(path) + bytes <= MAX_FILE_BYTES) return path
    if (last.part >= MAX_PARTS) throw new Error(`${path} and the parts before it are full`)
    return join(folder, fileName(place, { day, part: last.part + 1 }))
  }

  #names(folder: string, place: SessionPlace): FileName[] {
    const names: FileName[] = []
    const opened = opendirSync(folder)
    try {
      for (let n = 0; n < MAX_NAMES; n++) {
        const entry = opened.readSync()
        if (entry === null) break
        const name = parsedName(place, entry.name)
        if (name) names.push(name)
      }
    } finally {
      opened.closeSync()
    }
    return names.sort(newestFirst)
  }
}

/** Takes away what a killed runner left of the same message at the end of the file. */
function dropEarlierTry(path: string, key: string): void {
  const last = lastKey(bytes(readEnd(path, MARK_BYTES)))
  if (last !== undefined && last !== key) return
  const text = bytes(readEnd(path, MAX_ENTRY_BYTES + MARK_BYTES))
  const begin = lastBegin(text)
  if (begin?.key === key) dropEnd(path, text.length - begin.at)
}

/** A mark begins its line, also after what a kill cut off in the middle of one. */
function gapBefore(path: string, { message }: Exchange): string {
  if (sizeOf(path) > 0) return readEnd(path, 1).toString() === '\n' ? '\n' : '\n\n'
  const { channel, kind, title } = message.chat
  const name = title.replace(/[\p{C}\s]+/gu, ' ').trim()
  return `# ${channel} ${kind} chat${name === '' ? '' : ` ${JSON.stringify(name)}`}\n\n`
}

/** One character for each byte, so that places in the text are places in the file. */
function bytes(buffer: Buffer): string {
  return buffer.toString('latin1')
}
