import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type EventLog, errorText } from './log.ts'

/** Sessions remembered; the one not used for longest is forgotten first. */
const MAX_SESSIONS = 1_000

/**
 * Remembers each session's resume token in a file in the agent's home. A cache: the agent can write it too, so a bad
 * file counts as an empty one, and a failed write only costs a fresh conversation after the next start.
 */
export class SessionTokens {
  readonly #path: string
  readonly #log: EventLog
  #tokens: Map<string, string> | undefined

  constructor(homeDir: string, log: EventLog) {
    this.#path = join(homeDir, '.creel', 'sessions.json')
    this.#log = log
  }

  get(session: string): string | undefined {
    return this.#loaded().get(session)
  }

  set(session: string, token: string): void {
    const tokens = this.#loaded()
    tokens.delete(session)
    tokens.set(session, token)
    for (const oldest of tokens.keys()) {
      if (tokens.size <= MAX_SESSIONS) break
      tokens.delete(oldest)
    }
    this.#save(tokens)
  }

  /** The session begins anew with its next turn. */
  forget(session: string): void {
    const tokens = this.#loaded()
    if (tokens.delete(session)) this.#save(tokens)
  }

  #save(tokens: ReadonlyMap<string, string>): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      writeFileSync(`${this.#path}.new`, JSON.stringify([...tokens]))
      renameSync(`${this.#path}.new`, this.#path)
    } catch (error) {
      this.#log('sessions_not_saved', { error: errorText(error) })
    }
  }

  #loaded(): Map<string, string> {
    this.#tokens ??= this.#load()
    return this.#tokens
  }

  #load(): Map<string, string> {
    try {
      const stored: unknown = JSON.parse(readFileSync(this.#path, 'utf8'))
      return new Map(Array.isArray(stored) ? stored.filter(isPair) : [])
    } catch (error) {
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!missing) this.#log('sessions_not_read', { error: errorText(error) })
      return new Map()
    }
  }
}

function isPair(entry: unknown): entry is [string, string] {
  return Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === 'string')
}
