import { opendir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { checkedFolder, isMissing, readEnd } from '../agent-files.ts'
import type { Clock } from '../clock.ts'
import { CONVERSATIONS } from '../transcript.ts'

const MAX_FOLDERS = 2_000
const MAX_FILES = 5_000
const MAX_FILE_BYTES = 2 * 1024 * 1024
const MAX_BYTES = 64 * 1024 * 1024
const MAX_MS = 5_000
/** Characters of one line that are looked at: a line of megabytes is nobody's words. */
const MAX_LINE = 20_000
const SHOWN_BEFORE = 80
const MAX_SHOWN = 400

/** `**Ann** (telegram:12), 2026-01-31 09:00:00 UTC:`, as the transcript writes who said what follows. */
const SPOKEN =
  /^\*\*([^*]{1,100})\*\* \(([^()]{1,250})\), (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)(?: to .{1,250})?:$/
const DAY = /\d{4}-\d\d-\d\d/

export interface FoundLine {
  /** Relative to the memory folder. */
  readonly file: string
  readonly line: number
  /** Who said it and when; absent where the file does not say. */
  readonly said?: string
  readonly text: string
}

export interface SearchResult {
  /** Newest first. */
  readonly found: readonly FoundLine[]
  readonly files: number
  /** What was not looked at, in words; empty when everything was. */
  readonly leftOut: readonly string[]
}

export interface SearchQuery {
  /** Lines with all of these, in any case, are found. */
  readonly words: readonly string[]
  readonly limit: number
  /** The transcripts, the files that the agent keeps, or both. */
  readonly within: SearchPlace
}

export type SearchPlace = 'conversations' | 'notes' | 'all'

/**
 * Looks through the markdown files of the memory folder, newest first, within bounds of time and size. The agent can
 * write there: whatever is not a plain file of text is passed over. Rejects never.
 */
export async function searchConversations(
  memoryDir: string,
  query: SearchQuery,
  clock: Clock,
): Promise<SearchResult> {
  const until = clock.now() + MAX_MS
  const leftOut = new Set<string>()
  const paths = await markdownFiles(memoryDir, query.within, leftOut)
  const found: FoundLine[] = []
  let files = 0
  let room = MAX_BYTES
  for (const path of paths) {
    if (found.length >= query.limit) break
    if (clock.now() > until || room <= 0) {
      leftOut.add(`older files: the search ended after ${files} of ${paths.length}`)
      break
    }
    const text = endOf(path, leftOut)
    room -= text.length
    files += 1
    const here = linesWith(query.words, text)
    const file = relative(memoryDir, path)
    found.push(...here.reverse().map((line) => ({ file, ...line })))
    // The sandbox has other turns to serve between two files.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { found: found.slice(0, query.limit), files, leftOut: [...leftOut] }
}

/** Files without a day in their name, which are the agent's own, come first; then the newest day. */
async function markdownFiles(
  memoryDir: string,
  within: SearchPlace,
  leftOut: Set<string>,
): Promise<string[]> {
  const folders: string[] = []
  const files: { path: string; day: string }[] = []
  try {
    folders.push(within === 'conversations' ? checkedFolder(memoryDir, CONVERSATIONS) : memoryDir)
  } catch (error) {
    if (!isMissing(error)) leftOut.add('everything: the folder is not readable')
    return []
  }
  for (let at = 0; at < folders.length; at++) {
    const folder = folders[at] ?? ''
    try {
      for await (const entry of await opendir(folder)) {
        const path = join(folder, entry.name)
        const wanted = within !== 'notes' || path !== join(memoryDir, CONVERSATIONS)
        if (entry.isDirectory() && wanted && folders.length < MAX_FOLDERS) folders.push(path)
        if (!entry.isFile() || !entry.name.endsWith('.md')) continue
        if (files.length >= MAX_FILES) {
          leftOut.add(`files past the first ${MAX_FILES}`)
          break
        }
        files.push({ path, day: DAY.exec(entry.name)?.[0] ?? '' })
      }
    } catch (error) {
      leftOut.add(`a folder that cannot be read (${error instanceof Error ? error.message : 'unknown'})`)
    }
  }
  const newestFirst = (a: { path: string; day: string }, b: { path: string; day: string }) =>
    a.day === b.day ? (a.path < b.path ? 1 : -1) : (a.day || '9') < (b.day || '9') ? 1 : -1
  return files.sort(newestFirst).map(({ path }) => path)
}

function endOf(path: string, leftOut: Set<string>): string {
  try {
    const bytes = readEnd(path, MAX_FILE_BYTES + 1)
    if (bytes.length > MAX_FILE_BYTES)
      leftOut.add(`the beginning of files of more than ${MAX_FILE_BYTES} bytes`)
    return bytes.toString('utf8')
  } catch (error) {
    if (!isMissing(error)) leftOut.add('files that cannot be read')
    return ''
  }
}

function linesWith(words: readonly string[], text: string): Omit<FoundLine, 'file'>[] {
  const found: Omit<FoundLine, 'file'>[] = []
  let said: string | undefined
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.slice(0, MAX_LINE)
    const spoken = SPOKEN.exec(line)
    if (spoken) {
      said = `${spoken[1]} (${spoken[2]}), ${spoken[3]}`
      continue
    }
    // A mark or a heading begins something else.
    if (line.startsWith('<!--') || line.startsWith('#')) said = undefined
    const folded = fold(line)
    const first = words.every((word) => folded.includes(word)) ? folded.indexOf(words[0] ?? '') : -1
    if (first < 0 || line.startsWith('<!--')) continue
    found.push({ line: index + 1, text: shown(line, first), ...(said === undefined ? {} : { said }) })
  }
  return found
}

/** The form in which texts are compared. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

function shown(line: string, at: number): string {
  const from = Math.max(0, at - SHOWN_BEFORE)
  const part = line.slice(from, from + MAX_SHOWN).replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '')
  return `${from > 0 ? '…' : ''}${part.replace(/^> ?/, '')}${from + MAX_SHOWN < line.length ? '…' : ''}`
}
