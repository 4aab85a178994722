import type { GroupName } from '../ids.ts'

/** A file that an agent keeps below its memory folder; the agent chose the name. */
export interface MemoryPage {
  /** Relative to the memory folder. */
  readonly path: string
  readonly bytes: number
  /** UTC milliseconds of its last change, as the file system says. */
  readonly changedAt: number
}

export interface MemoryLine {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly text: string
}

export interface MemoryText {
  readonly text: string
  /** Another one for each text; what a change names, so that a stale one is refused. */
  readonly print: string
  /** `text` is its beginning. */
  readonly more: boolean
}

/** Bounded: `more` says that something was left out. */
export interface MemoryFound<T> {
  readonly found: readonly T[]
  readonly more: boolean
}

/**
 * What an agent keeps in its memory, read as the hostile input that it is: without following links, within bounds, in a
 * process that can be killed. Nothing is ever written. Each rejects with CreelError `unavailable` when it took too long.
 */
export interface MemoryReader {
  /** Markdown files, transcripts included, by path. None when there is no memory yet. */
  list(group: GroupName): Promise<MemoryFound<MemoryPage>>
  /** One file; its beginning when it is very long (`more`). Throws CreelError `not_found` or `invalid`. */
  read(group: GroupName, path: string): Promise<MemoryText>
  /** Lines that hold all the words, in any case. */
  search(group: GroupName, words: readonly string[], limit: number): Promise<MemoryFound<MemoryLine>>
}
