import type { Clock } from '../clock.ts'
import { type EventLog, errorText } from '../log.ts'
import { type MarkdownFile, markdownFiles, textOf } from './markdown-files.ts'
import { passagesOf } from './passages.ts'
import { type IndexedPassage, isDamage, placeIn, SearchIndex, type SearchPlace } from './search-index.ts'
import { termsOf, wordsOf } from './search-words.ts'

/** Time that one search may spend on reading files. */
const MAX_MS = 5_000
/** Text that is looked through, the newest. */
const MAX_BYTES = 64 * 1024 * 1024
const SHOWN_BEFORE = 80
const MAX_SHOWN = 400
const DAY_MS = 86_400_000
/** An age at which what was said counts half. */
const HALF_AGE_DAYS = 180
/** What the agent wrote down counts for more than what was said in passing. */
const OWN_WEIGHT = 1.5

export interface FoundLine {
  /** Relative to the memory folder. */
  readonly file: string
  readonly line: number
  /** Who said it and when; absent where the file does not say. */
  readonly said?: string
  readonly text: string
}

export interface SearchResult {
  /** The best first. */
  readonly found: readonly FoundLine[]
  readonly files: number
  /** Nothing has all the words: these have some. */
  readonly some: boolean
  /** What was not looked at, in words; empty when everything was. */
  readonly leftOut: readonly string[]
}

export interface SearchQuery {
  /** As it was typed. */
  readonly text: string
  readonly limit: number
  /** The transcripts, the files that the agent keeps, or both. */
  readonly within: SearchPlace
}

export interface SearchParts {
  readonly memoryDir: string
  /** Where the index is kept. */
  readonly homeDir: string
  readonly clock: Clock
  readonly log: EventLog
}

interface Found {
  readonly passages: readonly FoundPassage[]
  readonly some: boolean
}

type FoundPassage = Pick<IndexedPassage, 'path' | 'line' | 'said' | 'text'>

/**
 * Looks through the markdown files of the memory folder, by an index that takes in what has changed since; when that
 * cannot be kept, by reading them. The agent can write all of it: what is no plain text is passed over. Never rejects;
 * several at once do no harm.
 */
export async function searchMemory(query: SearchQuery, parts: SearchParts): Promise<SearchResult> {
  const leftOut = new Set<string>()
  const files = withinBytes(await markdownFiles(parts.memoryDir, leftOut), leftOut)
  const terms = termsOf(query.text)
  const { passages, some } = await foundIn(files, terms, query, parts, leftOut)
  const { within, limit } = query
  const looked = files.filter(({ spoken }) => within === 'all' || spoken === (within === 'conversations'))
  const found = passages.slice(0, limit).map((passage) => lineOf(passage, terms))
  return { found, files: looked.length, some, leftOut: [...leftOut] }
}

/** What was taken out of the memory does not stay in its index. Never rejects. */
export async function forgetInIndex(parts: SearchParts): Promise<void> {
  try {
    if (!SearchIndex.exists(parts.homeDir)) return
    const files = await markdownFiles(parts.memoryDir, new Set())
    const index = SearchIndex.open(parts.homeDir)
    try {
      index.dropStale(files)
    } finally {
      index[Symbol.dispose]()
    }
  } catch (error) {
    parts.log('search_index_not_kept', { error: errorText(error) })
  }
}

async function foundIn(
  files: readonly MarkdownFile[],
  terms: readonly string[],
  query: SearchQuery,
  parts: SearchParts,
  leftOut: Set<string>,
): Promise<Found> {
  try {
    return await foundByIndex(files, terms, query, parts, leftOut)
  } catch (error) {
    parts.log('search_index_failed', { error: errorText(error) })
    try {
      // A damage that shows only when it is used: the next search makes another one.
      if (isDamage(error)) SearchIndex.drop(parts.homeDir)
    } catch (dropped) {
      parts.log('search_index_not_dropped', { error: errorText(dropped) })
    }
    return foundByReading(files, terms, query, parts, leftOut)
  }
}

async function foundByIndex(
  files: readonly MarkdownFile[],
  terms: readonly string[],
  { text, within, limit }: SearchQuery,
  { homeDir, clock }: SearchParts,
  leftOut: Set<string>,
): Promise<Found> {
  const index = SearchIndex.open(homeDir)
  try {
    const until = clock.now() + MAX_MS
    const left = await index.add(index.dropStale(files), leftOut, () => clock.now() > until)
    if (left > 0)
      leftOut.add(`${left} of ${files.length} files, the oldest: search again, and it goes on there`)
    if (terms.length === 0) return { passages: index.literally(text.trim(), within, limit), some: false }
    const best = weighed(index.ranked(terms, 'AND', within), clock.now())
    if (best.length >= limit) return { passages: best, some: false }
    const ids = new Set(best.map(({ id }) => id))
    const others = index.containing(terms, within, limit).filter(({ id }) => !ids.has(id))
    const passages = [...best, ...others]
    if (passages.length > 0 || terms.length === 1) return { passages, some: false }
    return { passages: weighed(index.ranked(terms, 'OR', within), clock.now()), some: true }
  } finally {
    index[Symbol.dispose]()
  }
}

async function foundByReading(
  files: readonly MarkdownFile[],
  terms: readonly string[],
  { text, within, limit }: SearchQuery,
  { clock }: SearchParts,
  leftOut: Set<string>,
): Promise<Found> {
  const until = clock.now() + MAX_MS
  const passages: FoundPassage[] = []
  for (const [count, file] of files.entries()) {
    if (passages.length >= limit) break
    if (clock.now() > until) {
      leftOut.add(`older files: the search ended after ${count} of ${files.length}`)
      break
    }
    if (within !== 'all' && file.spoken !== (within === 'conversations')) continue
    const here = passagesOf(textOf(file, leftOut)).filter((passage) => holds(passage.text, terms, text))
    passages.push(...here.reverse().map((one) => ({ ...one, said: one.said ?? null, path: file.path })))
    // The sandbox has other turns to serve between two files.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { passages, some: false }
}

function holds(text: string, terms: readonly string[], typed: string): boolean {
  if (terms.length === 0) return text.includes(typed.trim())
  const words = wordsOf(text)
  return terms.every((term) => words.includes(term))
}

/** By how well they fit, how old they are, and whose words they are. */
function weighed(passages: readonly IndexedPassage[], now: number): IndexedPassage[] {
  const weight = ({ score, day, spoken }: IndexedPassage) => {
    const ageDays = Math.max(0, (now - Date.parse(day)) / DAY_MS)
    const fresh = spoken === 0 ? OWN_WEIGHT : HALF_AGE_DAYS / (HALF_AGE_DAYS + (ageDays || 0))
    return (score ?? 0) * fresh
  }
  return passages
    .map((passage) => ({ passage, rank: weight(passage) }))
    .sort((a, b) => a.rank - b.rank || b.passage.id - a.passage.id)
    .map(({ passage }) => passage)
}

/** The line of the passage that has the most of it, shortened around the first of them. */
function lineOf({ path, line, said, text }: FoundPassage, terms: readonly string[]): FoundLine {
  let best = { line: 0, text: text.split('\n', 1)[0] ?? '', count: 0 }
  for (const [index, one] of text.split('\n').entries()) {
    const count = terms.filter((term) => placeIn(one, [term]) >= 0).length
    if (count > best.count) best = { line: index, text: one, count }
  }
  const shown = shortened(best.text, Math.max(0, placeIn(best.text, terms)))
  return { file: path, line: line + best.line, text: shown, ...(said === null ? {} : { said }) }
}

function shortened(line: string, at: number): string {
  const from = Math.max(0, at - SHOWN_BEFORE)
  const part = line.slice(from, from + MAX_SHOWN).replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '')
  return `${from > 0 ? '…' : ''}${part.replace(/^> ?/, '')}${from + MAX_SHOWN < line.length ? '…' : ''}`
}

function withinBytes(files: readonly MarkdownFile[], leftOut: Set<string>): readonly MarkdownFile[] {
  let sum = 0
  const last = files.findIndex(({ bytes }) => {
    sum += bytes
    return sum > MAX_BYTES
  })
  if (last < 0) return files
  leftOut.add(
    `the oldest ${files.length - last} files: the newest ${MAX_BYTES / 1024 / 1024} MB are looked through`,
  )
  return files.slice(0, last)
}
