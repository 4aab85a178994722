import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { text } from 'node:stream/consumers'
import { lastUserText, type MockRequest, type ModelMock, startModelMock } from '../../bench/model-mock.ts'

export interface ModelRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The body as it came. */
  readonly text: string
}

interface Refusal {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** What to do to one request instead of answering it well. */
export type Fault =
  | Refusal
  /** The connection breaks after so many bytes of the answer. */
  | { readonly cutAfter: number }
  /** No answer, until the client leaves. */
  | { readonly hang: true }
  /** None: for a list of faults in which this request is answered well. */
  | { readonly pass: true }
  /** Pieces of an answer written by hand, each after `everyMs`. */
  | {
      readonly pieces: readonly string[]
      readonly everyMs?: number
      readonly headers?: Record<string, string>
    }

export interface Answer {
  readonly text?: string
  readonly tool?: { readonly name: string; readonly arguments: object; readonly id?: string }
  /** Streams it slowly: a piece of `pieceSize` characters (20) each so many milliseconds. */
  readonly pieceMs?: number
  readonly pieceSize?: number
}

export const USAGE = { input_tokens: 11, output_tokens: 7, prompt_tokens: 11, completion_tokens: 7 }

/** Calls of a model; not those that count tokens or list models. */
const CALL = /\/(?:messages|responses|chat\/completions)$/

/**
 * The model services of a test: aimock for the answers, and before it a server that keeps every request and breaks the
 * ones it is told to. Unless told otherwise the model answers `heard MARK` to a message with a mark such as `ping-101`.
 */
export class ModelServer implements AsyncDisposable {
  readonly requests: ModelRequest[] = []
  readonly #mock: ModelMock
  readonly #server: Server
  readonly #faults: { readonly part: string; readonly fault: Fault }[] = []
  #refusal: { readonly unless: string; readonly fault: Refusal } | undefined

  private constructor(mock: ModelMock) {
    this.#mock = mock
    this.#server = createServer((asked, response) => void this.#serve(asked, response))
    mock.prependFixture({
      match: { predicate: () => true },
      response: (asked) => respond({ text: heard(asked) }),
    })
  }

  static async start(): Promise<ModelServer> {
    const server = new ModelServer(await startModelMock())
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  /** What `base_url` of each service is set to. */
  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return `http://127.0.0.1:${address.port}`
  }

  /** Calls of a model that offered it tools (side calls, for a title, offer none), with `part` in their body. */
  calls(part = ''): ModelRequest[] {
    return this.requests.filter((one) => isTurnCall(one) && one.text.includes(part))
  }

  /** The answer when the person's last message has `part` and, by default, no tool result follows it. */
  on(part: string, answer: Answer, when: 'asked' | 'tool-result' = 'asked'): void {
    this.#mock.prependFixture({
      match: {
        predicate: (asked) =>
          lastUserText(asked).includes(part) && afterTool(asked) === (when === 'tool-result'),
      },
      response: respond(answer),
      ...(answer.pieceMs === undefined ? {} : { latency: answer.pieceMs, chunkSize: answer.pieceSize ?? 20 }),
    })
  }

  /** The answer to the next request alone whose last message of the person has `part`, wherever it stands. */
  once(part: string, answer: Answer): void {
    let given = false
    this.#mock.prependFixture({
      match: { predicate: (asked) => !given && lastUserText(asked).includes(part) },
      response: () => {
        given = true
        return respond(answer)
      },
    })
  }

  /** The next calls of a model with `part` in their body meet these faults, one each. */
  fault(part: string, ...faults: Fault[]): void {
    this.#faults.push(...faults.map((fault) => ({ part, fault })))
  }

  /** Until the faults are cleared, all calls of a model, with or without tools, that do not have this part. */
  refuseUnless(part: string, fault: Refusal): void {
    this.#refusal = { unless: part, fault }
  }

  /** Faults that no request has met yet. */
  get faultsLeft(): number {
    return this.#faults.length
  }

  clearFaults(): void {
    this.#faults.length = 0
    this.#refusal = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.#mock.stop()
  }

  async #serve(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    asked.on('error', () => response.destroy())
    const body = await text(asked)
    const { method = '', url = '', headers } = asked
    const one: ModelRequest = { method, path: url, headers, text: body }
    this.requests.push(one)
    if (method === 'HEAD') {
      response.end()
      return
    }
    const fault = this.#faultOf(one)
    if (!fault || 'pass' in fault) this.#pass(one, response, Number.POSITIVE_INFINITY)
    else if ('cutAfter' in fault) this.#pass(one, response, fault.cutAfter)
    else if ('status' in fault) refuse(response, fault)
    else if ('pieces' in fault) await writePieces(response, fault)
  }

  #faultOf(one: ModelRequest): Fault | undefined {
    if (this.#refusal && isCall(one) && !one.text.includes(this.#refusal.unless)) return this.#refusal.fault
    const at = isTurnCall(one) ? this.#faults.findIndex(({ part }) => one.text.includes(part)) : -1
    return at < 0 ? undefined : this.#faults.splice(at, 1)[0]?.fault
  }

  #pass(one: ModelRequest, response: ServerResponse, cutAfter: number): void {
    const { method, path, headers } = one
    const passed = request(this.#mock.url + path, { method, headers, agent: false })
    passed.on('error', () => response.destroy())
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      let sent = 0
      answer.on('data', (chunk: Buffer) => {
        const room = Math.max(0, cutAfter - sent)
        sent += chunk.length
        response.write(chunk.subarray(0, room), () => sent > cutAfter && response.destroy())
      })
      answer.on('end', () => response.end())
      answer.on('error', () => response.destroy())
    })
    response.on('close', () => passed.destroy())
    passed.end(one.text)
  }
}

/** An error body that both services' clients read. */
export function errorBody(type: string, message: string): string {
  return JSON.stringify({ type: 'error', error: { type, code: type, message, param: null } })
}

function refuse(response: ServerResponse, fault: Refusal): void {
  const type = { 401: 'authentication_error', 429: 'rate_limit_error' }[fault.status] ?? 'api_error'
  response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
  response.end(fault.body ?? errorBody(type, `made to fail with ${fault.status}`))
}

async function writePieces(
  response: ServerResponse,
  fault: Extract<Fault, { pieces: unknown }>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...fault.headers })
  for (const piece of fault.pieces) {
    response.write(piece)
    await new Promise((resolve) => setTimeout(resolve, fault.everyMs ?? 0))
  }
  response.end()
}

function isTurnCall(one: ModelRequest): boolean {
  return isCall(one) && /"tools":\s*\[\s*\{/.test(one.text)
}

function isCall({ method, path }: ModelRequest): boolean {
  return method === 'POST' && CALL.test(path.split('?')[0] ?? '')
}

function afterTool({ messages }: MockRequest): boolean {
  return messages
    .slice(messages.findLastIndex(({ role }) => role === 'user'))
    .some(({ role }) => role === 'tool')
}

function heard(asked: MockRequest): string {
  return `heard ${
    lastUserText(asked)
      .match(/\b[a-z]+-\d{3,}\b/g)
      ?.at(-1) ?? 'nothing'
  }`
}

function respond({ text: content, tool }: Answer): object {
  const calls = tool && { toolCalls: [{ ...tool, arguments: JSON.stringify(tool.arguments) }] }
  return { ...(content === undefined ? {} : { content }), ...calls, usage: USAGE }
}
