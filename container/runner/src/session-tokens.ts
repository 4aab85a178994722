import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { isMissing, ownFolder, readEnd, writeAnew } from './agent-files.ts'
import { type EventLog, errorText } from './log.ts'

/** Sessions remembered; the one not used for longest is forgotten first. */
const MAX_SESSIONS = 1_000
/** A token has at most 10,000 characters; a real one has forty. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** A runtime's own session, as far as we know it. */
export interface RememberedSession {
  readonly token: string
  /** Whose it is; undefined in a file of an older Creel: a runtime that does not know the token will say so. */
  readonly provider?: string
  /** The model it was begun with; undefined for the runtime's own choice. */
  readonly model?: string
  /** The state of the memory that it was given. */
  readonly memory?: string
}

/**
 * Remembers each session's resume token in a file in the agent's home. A cache: the agent can write it too, so a bad
 * file counts as an empty one, and a failed write only costs a fresh start from the transcript.
 */
export class SessionTokens {
  readonly #homeDir: string
  readonly #log: EventLog
  #sessions: Map<string, RememberedSession> | undefined

  constructor(homeDir: string, log: EventLog) {
    this.#homeDir = homeDir
    this.#log = log
  }

  get(session: string): RememberedSession | undefined {
    return this.#loaded().get(session)
  }

  set(session: string, remembered: RememberedSession): void {
    const sessions = this.#loaded()
    sessions.delete(session)
    sessions.set(session, remembered)
    for (const oldest of sessions.keys()) {
      if (sessions.size <= MAX_SESSIONS) break
      sessions.delete(oldest)
    }
    this.#save(sessions)
  }

  /** The session begins anew with its next turn. */
  forget(session: string): void {
    const sessions = this.#loaded()
    if (sessions.delete(session)) this.#save(sessions)
  }

  #save(sessions: ReadonlyMap<string, RememberedSession>): void {
    try {
      const path = join(ownFolder(this.#homeDir, '.creel'), 'sessions.json')
      const entries = [...sessions].map(([session, { token, provider, model, memory }]) =>
        memory === undefined
          ? [session, token, provider, model].filter((part) => part !== undefined)
          : [session, token, provider ?? null, model ?? null, memory],
      )
      writeAnew(`${path}.new`, JSON.stringify(entries))
      renameSync(`${path}.new`, path)
    } catch (error) {
      this.#log('sessions_not_saved', { error: errorText(error) })
    }
  }

  #loaded(): Map<string, RememberedSession> {
    this.#sessions ??= this.#load()
    return this.#sessions
  }

  #load(): Map<string, RememberedSession> {
    try {
      const path = join(this.#homeDir, '.creel', 'sessions.json')
      const stored: unknown = JSON.parse(readEnd(path, MAX_FILE_BYTES).toString('utf8'))
      return new Map(Array.isArray(stored) ? stored.flatMap((entry) => remembered(entry)) : [])
    } catch (error) {
      if (!isMissing(error)) this.#log('sessions_not_read', { error: errorText(error) })
      return new Map()
    }
  }
}

/** `[session, token]` in a file of an older Creel, then also the provider, the model and the memory it was given. */
function remembered(entry: unknown): [string, RememberedSession][] {
  if (!Array.isArray(entry) || entry.length < 2 || entry.length > 5) return []
  const [session, token, provider, model, memory] = entry as unknown[]
  if (typeof session !== 'string' || typeof token !== 'string') return []
  const known = (value: unknown): value is string => typeof value === 'string'
  return [
    [
      session,
      {
        token,
        ...(known(provider) ? { provider } : {}),
        ...(known(model) ? { model } : {}),
        ...(known(memory) ? { memory } : {}),
      },
    ],
  ]
}
