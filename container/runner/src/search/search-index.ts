import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { isMissing, ownFolder } from '../agent-files.ts'
import { type MarkdownFile, textOf } from './markdown-files.ts'
import { passagesOf } from './passages.ts'
import { fold, matchOf, wordsOf } from './search-words.ts'

const FILE = 'search.db'
/** Another one when what is in it is made in another way. */
const VERSION = 1
const BUSY_MS = 200
/** 512 MB; what is full is not written any more, and the files are read instead. */
const MAX_PAGES = 131_072
/** Text that goes into one commit, in bytes: the sandbox has other turns to serve between two. */
const BATCH_BYTES = 512 * 1024
/** Best ones by words that are then weighed by their age. */
const MAX_RANKED = 300

const DDL = `
  CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, stamp TEXT NOT NULL,
    day TEXT NOT NULL, spoken INTEGER NOT NULL) STRICT;
  CREATE TABLE passage (id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, line INTEGER NOT NULL,
    said TEXT, text TEXT NOT NULL) STRICT;
  CREATE INDEX passage_file ON passage (file_id);
  CREATE VIRTUAL TABLE word USING fts5 (words, tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M*'");
  INSERT INTO word (word, rank) VALUES ('secure-delete', 1);`

const FOUND = `SELECT p.id, f.path, f.day, f.spoken, p.line, p.said, p.text`
const WITHIN = `(@within = 'all' OR f.spoken = (@within = 'conversations'))`

/** A passage as the index has it. */
export interface IndexedPassage {
  readonly id: number
  readonly path: string
  readonly day: string
  readonly spoken: number
  readonly line: number
  readonly said: string | null
  readonly text: string
  /** The better it fits, the lower, below zero. */
  readonly score?: number
}

export type SearchPlace = 'conversations' | 'notes' | 'all'

/**
 * A full-text index (FTS5) over the passages of the memory, in the agent's home. A cache: the agent can write it, so one
 * that is no index, damaged or of another version is made anew. Opened for one search, so that it costs nothing else.
 */
export class SearchIndex implements Disposable {
  readonly #db: Database.Database

  private constructor(db: Database.Database) {
    this.#db = db
  }

  /** Whether there is one: what was never searched has none. */
  static exists(homeDir: string): boolean {
    return isFile(join(homeDir, '.creel', FILE))
  }

  /** Throws when it can neither be opened nor made: a full disk, a lock that is held. */
  static open(homeDir: string): SearchIndex {
    const path = join(ownFolder(homeDir, '.creel'), FILE)
    // A pipe would be waited for, and a link leads elsewhere.
    if (!isFile(path) || !isFile(`${path}-journal`, true)) remove(path)
    return new SearchIndex(opened(path))
  }

  /** Removes it; the next search makes another one. */
  static drop(homeDir: string): void {
    remove(join(ownFolder(homeDir, '.creel'), FILE))
  }

  /** Drops what is gone or was changed; returns what is to be added. */
  dropStale(files: readonly MarkdownFile[]): MarkdownFile[] {
    const there = new Map(files.map((file) => [file.path, file]))
    const stale = this.#db
      .prepare<[], { id: number; path: string; stamp: string }>('SELECT id, path, stamp FROM file')
      .all()
      .filter(({ path, stamp }) => {
        const fresh = there.get(path)?.stamp === stamp
        if (fresh) there.delete(path)
        return !fresh
      })
    if (stale.length > 0)
      this.#db.transaction(() => {
        for (const { id } of stale) this.#remove(id)
      })()
    return [...there.values()]
  }

  /**
   * Takes files in, the first ones first. Ends early when `enough` says so; returns how many it did not come to. What it
   * did is kept.
   */
  async add(files: readonly MarkdownFile[], leftOut: Set<string>, enough: () => boolean): Promise<number> {
    let at = 0
    while (at < files.length && !enough()) {
      const batch: MarkdownFile[] = []
      for (let bytes = 0; at < files.length && bytes < BATCH_BYTES; at++) {
        const file = files[at]
        if (file) batch.push(file)
        bytes += file?.bytes ?? 0
      }
      this.#db.transaction(() => {
        for (const file of batch) this.#add(file, leftOut)
      })()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return files.length - at
  }

  /** Passages with words that begin like these, the best first. */
  ranked(terms: readonly string[], join: 'AND' | 'OR', within: SearchPlace): IndexedPassage[] {
    const match = matchOf(terms, join)
    if (match === null) return []
    return this.#db
      .prepare<unknown[], IndexedPassage>(
        `${FOUND}, bm25(word) AS score FROM word JOIN passage p ON p.id = word.rowid JOIN file f ON f.id = p.file_id
         WHERE word MATCH @match AND ${WITHIN} ORDER BY score LIMIT ${MAX_RANKED}`,
      )
      .all({ match, within })
  }

  /** Passages that hold all of these anywhere, also within words; the agent's own files first, then the newest. */
  containing(terms: readonly string[], within: SearchPlace, limit: number): IndexedPassage[] {
    return this.#db
      .prepare<unknown[], IndexedPassage>(
        `${FOUND} FROM word JOIN passage p ON p.id = word.rowid JOIN file f ON f.id = p.file_id
         WHERE ${WITHIN} AND NOT EXISTS (SELECT 1 FROM json_each(@terms) WHERE instr(words, value) = 0)
         ORDER BY f.spoken, f.day DESC, p.id DESC LIMIT @limit`,
      )
      .all({ terms: JSON.stringify(terms), within, limit })
  }

  /** The same for what has no words: signs, as they are. */
  literally(text: string, within: SearchPlace, limit: number): IndexedPassage[] {
    return this.#db
      .prepare<unknown[], IndexedPassage>(
        `${FOUND} FROM passage p JOIN file f ON f.id = p.file_id
         WHERE ${WITHIN} AND instr(p.text, @text) > 0 ORDER BY f.spoken, f.day DESC, p.id DESC LIMIT @limit`,
      )
      .all({ text, within, limit })
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  #remove(id: number): void {
    this.#db.prepare('DELETE FROM word WHERE rowid IN (SELECT id FROM passage WHERE file_id = ?)').run(id)
    this.#db.prepare('DELETE FROM passage WHERE file_id = ?').run(id)
    this.#db.prepare('DELETE FROM file WHERE id = ?').run(id)
  }

  #add(file: MarkdownFile, leftOut: Set<string>): void {
    const { path, stamp, day, spoken } = file
    // Another search may have added it in the meantime.
    const added = this.#db
      .prepare('INSERT OR IGNORE INTO file (path, stamp, day, spoken) VALUES (?, ?, ?, ?)')
      .run(path, stamp, day, spoken ? 1 : 0)
    if (added.changes === 0) return
    const passage = this.#db.prepare('INSERT INTO passage (file_id, line, said, text) VALUES (?, ?, ?, ?)')
    const word = this.#db.prepare('INSERT INTO word (rowid, words) VALUES (?, ?)')
    for (const { line, said, text } of passagesOf(textOf(file, leftOut))) {
      const { lastInsertRowid } = passage.run(added.lastInsertRowid, line, said ?? null, text)
      word.run(lastInsertRowid, wordsOf(text))
    }
  }
}

/** Where in a line the first of the terms stands, as far as that can be told; -1 without any. */
export function placeIn(line: string, terms: readonly string[]): number {
  const folded = fold(line)
  const places = terms.map((term) => folded.indexOf(term.split(' ', 1)[0] ?? '')).filter((at) => at >= 0)
  return places.length === 0 ? -1 : Math.min(...places)
}

function opened(path: string): Database.Database {
  try {
    return prepared(path)
  } catch (error) {
    if (!isDamage(error)) throw error
    remove(path)
    return prepared(path)
  }
}

function prepared(path: string): Database.Database {
  const db = new Database(path, { timeout: BUSY_MS })
  try {
    db.pragma('trusted_schema = OFF')
    db.pragma('journal_mode = TRUNCATE')
    db.pragma('synchronous = NORMAL')
    db.pragma('secure_delete = ON')
    db.pragma(`max_page_count = ${MAX_PAGES}`)
    const version = db.pragma('user_version', { simple: true })
    if (version === VERSION) return db
    if (version !== 0 || db.prepare('SELECT 1 FROM sqlite_schema').get() !== undefined)
      throw new OtherIndex('it is of another version')
    db.transaction(() => {
      db.exec(DDL)
      db.pragma(`user_version = ${VERSION}`)
    })()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

class OtherIndex extends Error {}

/** Neither a lock nor a full disk: making it anew helps. */
export function isDamage(error: unknown): boolean {
  if (error instanceof OtherIndex) return true
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^SQLITE_(?:CORRUPT|NOTADB|ERROR|CONSTRAINT|MISMATCH|SCHEMA)/.test(code)
}

function remove(path: string): void {
  for (const one of [path, `${path}-journal`, `${path}-wal`, `${path}-shm`])
    rmSync(one, { force: true, recursive: true })
}

/** `orMissing`: also when there is nothing. */
function isFile(path: string, orMissing = false): boolean {
  try {
    return lstatSync(path).isFile()
  } catch (error) {
    if (isMissing(error)) return orMissing
    throw error
  }
}
