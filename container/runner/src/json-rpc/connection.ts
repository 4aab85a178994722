import type { Clock } from '../clock.ts'
import type { LineTransport } from './transport.ts'

/** Code of JSON-RPC 2.0 §5.1 for a method that is not there. */
export const METHOD_NOT_FOUND = -32601
const INTERNAL_ERROR = -32603

/** The other side answered with an error; or, thrown by a request handler, the error to answer with. */
export class RpcError extends Error {
  override name = 'RpcError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** No answer came in time; the request may still have been carried out. */
export class RpcTimeoutError extends Error {
  override name = 'RpcTimeoutError'
}

/** The connection ended before the answer came. */
export class RpcClosedError extends Error {
  override name = 'RpcClosedError'
}

export interface RpcHandlers {
  /** Must not throw. */
  notification(method: string, params: unknown): void
  /** Answers a request of the other side, at once; a throw is answered with an error. */
  request(method: string, params: unknown): unknown
  /** Something that is no message for us, and was skipped. */
  noise(kind: 'not-json' | 'not-a-message' | 'unasked-answer' | 'too-long', bytes: number): void
}

interface Waiting {
  readonly done: (result: unknown) => void
  readonly failed: (error: Error) => void
}

/**
 * One end of a JSON-RPC connection of lines, both ends equal. Requests may be open at once and be answered in any
 * order. The `jsonrpc` field is neither sent nor asked for, as app-server wants it.
 */
export class JsonRpcConnection {
  readonly #transport: LineTransport
  readonly #handlers: RpcHandlers
  readonly #clock: Clock
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #closed: string | undefined

  constructor(transport: LineTransport, handlers: RpcHandlers, clock: Clock) {
    this.#transport = transport
    this.#handlers = handlers
    this.#clock = clock
    transport.open({
      line: (text) => this.#take(text),
      tooLong: (bytes) => handlers.noise('too-long', bytes),
      closed: (reason) => this.close(reason),
    })
  }

  /**
   * The answer to a request. Rejects with RpcError (the answer is an error), RpcTimeoutError after `timeoutMs` or
   * RpcClosedError.
   */
  async request(method: string, params: unknown, timeoutMs: number): Promise<unknown> {
    if (this.#closed !== undefined) throw new RpcClosedError(this.#closed)
    this.#lastId += 1
    const id = this.#lastId
    const timer = new AbortController()
    try {
      const answer = new Promise((done, failed) => this.#waiting.set(id, { done, failed }))
      this.#clock.sleep(timeoutMs, timer.signal).then(
        () => this.#waiting.get(id)?.failed(new RpcTimeoutError(`${method}: no answer in ${timeoutMs} ms`)),
        () => undefined,
      )
      this.#transport.send(JSON.stringify({ id, method, params }))
      return await answer
    } finally {
      timer.abort()
      this.#waiting.delete(id)
    }
  }

  notify(method: string, params?: unknown): void {
    if (this.#closed === undefined) this.#transport.send(JSON.stringify({ method, params }))
  }

  /** Rejects every open request. Idempotent; the transport is its owner's to end. */
  close(reason: string): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    for (const { failed } of this.#waiting.values()) failed(new RpcClosedError(reason))
  }

  #take(text: string): void {
    if (this.#closed !== undefined) return
    const message = parse(text)
    if (message === undefined) this.#handlers.noise('not-json', text.length)
    else if (!isRecord(message)) this.#handlers.noise('not-a-message', text.length)
    else if (typeof message.method === 'string') this.#called(message.method, message)
    else if (typeof message.id === 'number' && this.#waiting.has(message.id)) {
      this.#answered(message.id, message)
    } else this.#handlers.noise('id' in message ? 'unasked-answer' : 'not-a-message', text.length)
  }

  #called(method: string, message: Readonly<Record<string, unknown>>): void {
    const { id, params } = message
    if (id === undefined || id === null) {
      this.#handlers.notification(method, params)
      return
    }
    try {
      this.#transport.send(JSON.stringify({ id, result: this.#handlers.request(method, params) ?? {} }))
    } catch (error) {
      const code = error instanceof RpcError ? error.code : INTERNAL_ERROR
      const text = error instanceof Error ? error.message : String(error)
      this.#transport.send(JSON.stringify({ id, error: { code, message: text } }))
    }
  }

  #answered(id: number, message: Readonly<Record<string, unknown>>): void {
    const waiting = this.#waiting.get(id)
    if (message.error === undefined || message.error === null) waiting?.done(message.result)
    else waiting?.failed(asRpcError(message.error))
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asRpcError(error: unknown): RpcError {
  const code = isRecord(error) && typeof error.code === 'number' ? error.code : INTERNAL_ERROR
  const message = isRecord(error) && typeof error.message === 'string' ? error.message : 'no error message'
  return new RpcError(code, message.slice(0, 2_000))
}
