import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

interface StoredMessage {
  readonly info: { id: string; role: string; sessionID: string; [key: string]: unknown }
  readonly parts: { id: string; [key: string]: unknown }[]
}

export interface FakePrompt {
  readonly session: string
  readonly id: string
  readonly text: string
  readonly body: unknown
}

const MODELS = { providers: [{ id: 'anthropic', models: { 'claude-sonnet-4-5': {} } }] }

/**
 * `opencode serve` without a model: a test says what happens when a prompt comes. It keeps messages and who is busy as
 * the real one does, so that a client may ask for what it has missed. Strict: an unknown call fails the test.
 */
export class FakeOpencode {
  readonly calls: string[] = []
  readonly prompts: FakePrompt[] = []
  readonly problems: string[] = []
  /** Answers with this status in place of the usual one, by `METHOD /path`. */
  readonly refuse = new Map<string, number>()
  /** Calls that are never answered. */
  readonly hang = new Set<string>()
  toolServers: Record<string, { status: string }> = {}
  waitingPermissions: unknown[] = []
  onPrompt: (prompt: FakePrompt) => void = () => undefined
  onAbort: (session: string) => void = (session) => this.idle(session)
  readonly #sessions = new Map<string, StoredMessage[]>()
  readonly #busy = new Set<string>()
  readonly #streams = new Set<ServerResponse>()
  readonly #server: Server
  #ids = 0

  constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => this.problems.push(String(error)))
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  get connections(): number {
    return this.#streams.size
  }

  messages(session: string): readonly StoredMessage[] {
    return this.#sessions.get(session) ?? []
  }

  /** Breaks the streams of events; what is told until the next connection is lost. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy()
    this.#streams.clear()
  }

  tell(type: string, properties: Record<string, unknown>): void {
    const data = JSON.stringify({ id: `evt_${this.#ids++}`, type, properties })
    for (const stream of this.#streams) stream.write(`data: ${data}\n\n`)
  }

  /** Stores our prompt and says so: the run begins. */
  take({ session, id, text }: FakePrompt): void {
    this.#busy.add(session)
    this.#put(session, { id, role: 'user', sessionID: session })
    this.part(session, id, { type: 'text', text })
    this.tell('session.status', { sessionID: session, status: { type: 'busy' } })
  }

  /** Begins a reply; returns its id. */
  begin(session: string, parent: string): string {
    const id = `msg_fffffff${String(this.#ids++).padStart(8, '0')}`
    this.#put(session, this.#assistant(session, id, parent))
    return id
  }

  /** Writes some of a reply; returns the id of the text. */
  write(session: string, message: string, delta: string, known?: string): string {
    const part = known ?? this.part(session, message, { type: 'text', text: '', time: { start: 1 } })
    this.tell('message.part.delta', {
      sessionID: session,
      messageID: message,
      partID: part,
      field: 'text',
      delta,
    })
    return part
  }

  /** Ends a reply with this text, or with an error. */
  finish(
    session: string,
    message: string,
    parent: string,
    text: string,
    part?: string,
    error?: object,
  ): void {
    if (error === undefined)
      this.part(session, message, { type: 'text', text, time: { start: 1, end: 2 } }, part)
    const info = this.#assistant(session, message, parent)
    const end = error === undefined ? { finish: 'stop' } : { error }
    this.#put(session, { ...info, ...end, time: { created: 1, completed: 2 } })
  }

  idle(session: string): void {
    this.#busy.delete(session)
    this.tell('session.status', { sessionID: session, status: { type: 'idle' } })
    this.tell('session.idle', { sessionID: session })
  }

  /** The whole of a short turn. */
  reply(prompt: FakePrompt, text: string): void {
    this.take(prompt)
    const message = this.begin(prompt.session, prompt.id)
    this.finish(prompt.session, message, prompt.id, text, this.write(prompt.session, message, text))
    this.idle(prompt.session)
  }

  part(session: string, message: string, part: Record<string, unknown>, known?: string): string {
    const id = known ?? `prt_${this.#ids++}`
    const whole = { ...part, id, messageID: message, sessionID: session }
    const stored = this.#sessions.get(session)?.find(({ info }) => info.id === message)
    if (!stored) throw new Error(`no message ${message}`)
    const at = stored.parts.findIndex((other) => other.id === id)
    if (at < 0) stored.parts.push(whole)
    else stored.parts[at] = whole
    this.tell('message.part.updated', { sessionID: session, part: whole })
    return id
  }

  #assistant(session: string, id: string, parent: string) {
    const tokens = { input: 1, output: 1, reasoning: 0, cache: { read: 0, write: 0 } }
    return {
      id,
      role: 'assistant',
      sessionID: session,
      parentID: parent,
      modelID: 'm',
      cost: 0,
      tokens,
      time: { created: 1 },
    }
  }

  #put(session: string, info: StoredMessage['info']): void {
    const messages = this.#sessions.get(session)
    if (!messages) throw new Error(`no session ${session}`)
    const at = messages.findIndex((message) => message.info.id === info.id)
    if (at < 0) messages.push({ info, parts: [] })
    else messages[at] = { info, parts: messages[at]?.parts ?? [] }
    this.tell('message.updated', { sessionID: session, info })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(/\?.*/, '')
    const call = `${request.method} ${path}`
    this.calls.push(call)
    if (this.hang.has(call)) return
    const refused = this.refuse.get(call)
    if (refused !== undefined) {
      response.writeHead(refused).end('{"name":"Refused"}')
      return
    }
    if (call === 'GET /event') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      this.#streams.add(response)
      response.on('close', () => this.#streams.delete(response))
      this.tell('server.connected', {})
      return
    }
    const body = request.method === 'POST' ? await json(request).catch(() => undefined) : undefined
    const { status, answer } = this.#answer(call, path.split('/'), body)
    response.writeHead(status).end(answer === undefined ? '' : JSON.stringify(answer))
  }

  #answer(call: string, path: readonly string[], body: unknown): { status: number; answer?: unknown } {
    const [, , session = '', what] = path
    if (call === 'GET /config/providers') return { status: 200, answer: MODELS }
    if (call === 'GET /mcp') return { status: 200, answer: this.toolServers }
    if (call === 'GET /permission') return { status: 200, answer: this.waitingPermissions }
    if (call === 'GET /question') return { status: 200, answer: [] }
    if (/^POST \/(?:permission|question)\//.test(call)) return { status: 200, answer: true }
    if (call === 'GET /session/status')
      return { status: 200, answer: Object.fromEntries([...this.#busy].map((id) => [id, { type: 'busy' }])) }
    if (call === 'POST /session') {
      const id = `ses_fake${this.#ids++}`
      this.#sessions.set(id, [])
      return { status: 200, answer: { id } }
    }
    const messages = this.#sessions.get(session)
    if (path[1] !== 'session') throw new Error(`FakeOpencode: unknown call ${call}`)
    if (!messages) return { status: 404, answer: { name: 'NotFoundError' } }
    if (what === undefined) return { status: 200, answer: { id: session } }
    if (call.startsWith('DELETE ') && what === 'message') {
      messages.splice(
        messages.findIndex(({ info }) => info.id === path[4]),
        1,
      )
      return { status: 200, answer: true }
    }
    if (what === 'message') return { status: 200, answer: messages }
    if (what === 'abort') {
      this.onAbort(session)
      return { status: 200, answer: true }
    }
    if (what !== 'prompt_async') throw new Error(`FakeOpencode: unknown call ${call}`)
    const prompt = { session, body, ...promptOf(body) }
    this.prompts.push(prompt)
    this.onPrompt(prompt)
    return { status: 204 }
  }
}

function promptOf(body: unknown): { id: string; text: string } {
  const { messageID, parts } = body as { messageID: string; parts: { text: string }[] }
  return { id: messageID, text: parts.map(({ text }) => text).join('') }
}
