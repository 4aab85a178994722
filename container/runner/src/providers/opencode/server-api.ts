import type { FilePart } from './file-parts.ts'
import type { ModelName } from './model-name.ts'
import { field, isBusy, readEvent, readHistory, type ServerEvent, text } from './wire.ts'

const CALL_MS = 20_000
/** The turn has a limit of its own before that. */
const SUMMARY_MS = 3_600_000
/** Messages of a session looked at when the stream broke: what one turn can have written. */
const HISTORY = 200

export interface Prompt {
  readonly id: string
  readonly text: string
  readonly files?: readonly FilePart[]
  readonly model: ModelName
  readonly effort: string | undefined
}

/** The server answered, but not with what was asked for. */
export class ServerRefusal extends Error {
  readonly status: number

  constructor(status: number, call: string, body: string) {
    super(`opencode answered ${status} to ${call}: ${body.slice(0, 300)}`)
    this.name = 'ServerRefusal'
    this.status = status
  }
}

/**
 * The calls of `opencode serve` that we use. Each rejects with ServerRefusal, or with what `fetch` throws when the
 * server is gone or takes longer than 20 s.
 */
export class ServerApi {
  readonly #url: string
  readonly #authorization: string

  constructor(url: string, password: string) {
    this.#url = url
    this.#authorization = `Basic ${Buffer.from(`opencode:${password}`).toString('base64')}`
  }

  /** The stream of events of all sessions. */
  events(signal: AbortSignal): Promise<Response> {
    return fetch(`${this.#url}/event`, { headers: { authorization: this.#authorization }, signal })
  }

  /** A new session. The title keeps the server from asking the model for one. */
  async createSession(title: string): Promise<string> {
    return text(await this.#call('POST', '/session', { title }), 'id')
  }

  /** The session that a subagent's session works for; empty for one of its own. */
  async parentOf(id: string): Promise<string> {
    return text(await this.#call('GET', `/session/${encodeURIComponent(id)}`), 'parentID')
  }

  async hasSession(id: string): Promise<boolean> {
    try {
      return text(await this.#call('GET', `/session/${id}`), 'id') === id
    } catch (error) {
      // 404: unknown. 500: its record is broken.
      if (error instanceof ServerRefusal) return false
      throw error
    }
  }

  /** Adds a message to a session; starts a run, or is taken up by the running one. Returns before it is answered. */
  async prompt(session: string, prompt: Prompt): Promise<void> {
    await this.#call('POST', `/session/${session}/prompt_async`, {
      messageID: prompt.id,
      model: prompt.model,
      ...(prompt.effort === undefined ? {} : { variant: prompt.effort }),
      parts: [{ type: 'text', text: prompt.text }, ...(prompt.files ?? [])],
    })
  }

  /** Has a session shortened. Answered when that is done, also when it has failed: the history tells. */
  async summarize(session: string, model: ModelName): Promise<void> {
    await this.#call('POST', `/session/${session}/summarize`, model, SUMMARY_MS)
  }

  async abort(session: string): Promise<void> {
    await this.#call('POST', `/session/${session}/abort`)
  }

  async busy(session: string): Promise<boolean> {
    return isBusy(await this.#call('GET', '/session/status'), session)
  }

  /** The newest messages of a session, as the events that told of them. */
  async history(session: string): Promise<ServerEvent[]> {
    return readHistory(await this.#call('GET', `/session/${session}/message?limit=${HISTORY}`))
  }

  /** Takes a message out of a session that is not at work. */
  async remove(session: string, message: string): Promise<void> {
    await this.#call('DELETE', `/session/${session}/message/${message}`)
  }

  async allow(permission: string): Promise<void> {
    await this.#call('POST', `/permission/${encodeURIComponent(permission)}/reply`, { reply: 'once' })
  }

  async rejectQuestion(question: string): Promise<void> {
    await this.#call('POST', `/question/${encodeURIComponent(question)}/reject`)
  }

  /** What is asked for and not answered yet, as the events that told of it. */
  async waiting(): Promise<ServerEvent[]> {
    const permissions = await this.#call('GET', '/permission')
    const questions = await this.#call('GET', '/question')
    return [...asked('permission', permissions), ...asked('question', questions)]
  }

  /** Tool servers by name, with their state. Answered once all have been tried. */
  async toolServers(): Promise<Map<string, string>> {
    const answer = await this.#call('GET', '/mcp', undefined, 60_000)
    const names = typeof answer === 'object' && answer !== null ? Object.keys(answer) : []
    return new Map(names.map((name) => [name, text(field(answer, name), 'status')]))
  }

  /** Every model that a prompt may name, as `api/model`. */
  async models(): Promise<Set<string>> {
    const providers = field(await this.#call('GET', '/config/providers', undefined, 60_000), 'providers')
    const names = (Array.isArray(providers) ? providers : []).flatMap((provider) =>
      Object.keys(Object(field(provider, 'models'))).map((model) => `${text(provider, 'id')}/${model}`),
    )
    return new Set(names)
  }

  async #call(method: string, path: string, body?: unknown, limitMs = CALL_MS): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(limitMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = await response.text()
    if (!response.ok) throw new ServerRefusal(response.status, `${method} ${path}`, answer)
    return answer === '' ? undefined : JSON.parse(answer)
  }
}

function asked(what: 'permission' | 'question', answer: unknown): ServerEvent[] {
  return (Array.isArray(answer) ? answer : []).map((entry: unknown) =>
    readEvent({ type: `${what}.asked`, properties: entry }),
  )
}
