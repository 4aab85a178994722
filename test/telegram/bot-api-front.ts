import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { BotFiles, readBytes } from './bot-files.ts'
import { changeRefusalOf, refusalOf } from './send-rules.ts'
import type { TestApiBackend } from './test-api-backend.ts'

/** What to do to one request instead of answering it well. */
export type Fault =
  | { readonly type: 'answer'; readonly status: number; readonly text: string; readonly parameters?: object }
  | { readonly type: 'raw'; readonly status: number; readonly body: string }
  /** The connection breaks before the request is carried out, or after it. */
  | { readonly type: 'reset'; readonly carriedOut: boolean }

export interface Call {
  readonly method: string
  readonly at: number
  readonly payload: Record<string, unknown>
}

const Update = z.looseObject({
  update_id: z.number(),
  message: z.looseObject({}).optional(),
  callback_query: z.looseObject({ data: z.string() }).optional(),
})
const Reaction = z.object({
  chat_id: z.coerce.string(),
  message_id: z.number(),
  reaction: z.array(z.object({ type: z.literal('emoji'), emoji: z.string() })),
})
const Updates = z.object({ result: z.array(Update) })
type Update = z.infer<typeof Update>

/**
 * A Bot API server as a bot sees it, in front of an emulator that has neither offsets, long polls, refusals nor
 * faults. Follows https://core.telegram.org/bots/api: an update stays until a larger offset was named, a second
 * getUpdates ends the first with 409, and sendMessage is refused in Telegram's words.
 */
export class BotApiFront {
  readonly calls: Call[] = []
  readonly files = new BotFiles()
  readonly chats = new Set<string>()
  readonly threads = new Set<string>()
  readonly blocked = new Set<string>()
  readonly #backend: TestApiBackend
  readonly #token: string
  /** Reactions of the bot, newest last: the emulator knows none. */
  readonly reactions: { readonly chat: string; readonly message: number; readonly emoji: string }[] = []
  /** What the bot's menu offers. */
  menu: unknown = []
  readonly #faults = new Map<string, Fault[]>()
  readonly #confirmed: Update[] = []
  #pending: Update[] = []
  #endPoll: (reason: 'news' | 'replaced' | 'gone') => void = () => undefined
  #server: Server | undefined
  #port = 0

  constructor(backend: TestApiBackend, token: string) {
    this.#backend = backend
    this.#token = token
  }

  get apiRoot(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Listens, on the same port as before when there was one. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response
          .writeHead(500)
          .end(JSON.stringify({ ok: false, error_code: 500, description: String(error) }))
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address !== null && typeof address !== 'string') this.#port = address.port
    this.#server = server
  }

  /** As if the network were gone: every connection breaks, new ones are refused. */
  async cut(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }

  /** The next requests of this method meet these faults, one each. */
  inject(method: string, ...faults: Fault[]): void {
    this.#faults.set(method, [...(this.#faults.get(method) ?? []), ...faults])
  }

  /** Updates that the bot has confirmed by a larger offset. */
  isConfirmed(text: string): boolean {
    return this.#confirmed.some((update) => (update.message?.text ?? update.callback_query?.data) === text)
  }

  /** People have written. */
  wake(): void {
    this.#endPoll('news')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, owner, path = ''] = /^\/file\/bot([^/]+)\/(.+)$/.exec(request.url ?? '') ?? []
    if (owner === this.#token)
      return this.files.serve(path, response, this.#faults.get('file')?.shift() !== undefined)
    const [, token, method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? '') ?? []
    const type = request.headers['content-type'] ?? ''
    const body = await readBytes(request)
    const payload = type.startsWith('multipart/') ? {} : readPayload(body)
    if (token !== this.#token) return answer(response, 401, 'Unauthorized')
    this.calls.push({ method, at: performance.now(), payload })
    const fault = this.#faults.get(method)?.shift()
    if (fault?.type === 'answer') return answer(response, fault.status, fault.text, fault.parameters)
    if (fault?.type === 'raw') {
      response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.body)
      return
    }
    if (fault?.type === 'reset' && !fault.carriedOut) {
      request.socket.destroy()
      return
    }
    if (method === 'getUpdates') return await this.#getUpdates(payload, response)
    const filed = await this.#fileCall(method, body, type, payload)
    if (filed && 'status' in filed) return answer(response, filed.status, filed.text)
    const done = filed
      ? filed
      : method === 'getMyCommands' || method === 'setMyCommands'
        ? this.#menuCall(method, payload)
        : method === 'setMessageReaction'
          ? this.#react(payload)
          : method === 'sendChatAction'
            ? { ok: true, result: true }
            : await this.#carryOut(method, payload, response)
    if (fault?.type === 'reset') request.socket.destroy()
    else if (done !== undefined) response.writeHead(200, JSON_TYPE).end(JSON.stringify(done))
  }

  async #fileCall(method: string, body: Buffer, type: string, payload: Record<string, unknown>) {
    if (method === 'getFile') return this.files.getFile(payload.file_id)
    if (method !== 'sendPhoto' && method !== 'sendVoice' && method !== 'sendDocument') return undefined
    return await this.files.take(method, body, type, this)
  }

  async #carryOut(method: string, payload: object, response: ServerResponse): Promise<unknown> {
    const refusal =
      method === 'sendMessage' ? refusalOf(payload, this) : await this.#changeRefusal(method, payload)
    // An edit without a keyboard takes it away; the emulator would keep it.
    const bare = method === 'editMessageText' ? { reply_markup: {} } : {}
    if (refusal === undefined) return await this.#backend.bot(method, { ...bare, ...payload })
    answer(response, refusal.status, refusal.text)
    return undefined
  }

  #react(payload: Record<string, unknown>): unknown {
    const { chat_id, message_id, reaction } = Reaction.parse(payload)
    for (const { emoji } of reaction) this.reactions.push({ chat: chat_id, message: message_id, emoji })
    return { ok: true, result: true }
  }

  #menuCall(method: string, payload: Record<string, unknown>): unknown {
    if (method === 'getMyCommands') return { ok: true, result: this.menu }
    this.menu = payload.commands
    return { ok: true, result: true }
  }

  /** The emulator itself changes and deletes anything, and says so of nothing. */
  async #changeRefusal(method: string, payload: unknown) {
    if (method !== 'editMessageText' && method !== 'deleteMessage') return undefined
    return changeRefusalOf(method, payload, await this.#backend.sentMessages())
  }

  async #getUpdates(payload: Record<string, unknown>, response: ServerResponse): Promise<void> {
    this.#endPoll('replaced')
    const offset = Number(payload.offset ?? 0)
    this.#confirmed.push(...this.#pending.filter((update) => update.update_id < offset))
    this.#pending = this.#pending.filter((update) => update.update_id >= offset)
    await this.#pull()
    if (this.#pending.length === 0 && Number(payload.timeout ?? 0) > 0) {
      const reason = await this.#longPoll(Number(payload.timeout), response)
      if (reason === 'gone') return
      if (reason === 'replaced') {
        return answer(response, 409, 'Conflict: terminated by other getUpdates request')
      }
      await this.#pull()
    }
    const result = this.#pending.slice(0, Number(payload.limit ?? 100))
    response.writeHead(200, JSON_TYPE).end(JSON.stringify({ ok: true, result }))
  }

  async #longPoll(seconds: number, response: ServerResponse): Promise<'news' | 'replaced' | 'gone'> {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => this.#endPoll('news'), seconds * 1000)
      const end = (reason: 'news' | 'replaced' | 'gone') => {
        clearTimeout(timer)
        if (this.#endPoll === end) this.#endPoll = () => undefined
        resolve(reason)
      }
      this.#endPoll = end
      response.once('close', () => end('gone'))
    })
  }

  async #pull(): Promise<void> {
    const { result } = Updates.parse(await this.#backend.bot('getUpdates', {}))
    this.#pending.push(...result)
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

function answer(response: ServerResponse, status: number, text: string, parameters?: object): void {
  const body = {
    ok: false,
    error_code: status,
    description: text,
    ...(parameters === undefined ? {} : { parameters }),
  }
  response.writeHead(status, JSON_TYPE).end(JSON.stringify(body))
}

function readPayload(body: Buffer): Record<string, unknown> {
  const text = body.toString('utf8')
  return text === '' ? {} : z.record(z.string(), z.unknown()).parse(JSON.parse(text))
}
