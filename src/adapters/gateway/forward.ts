import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ModelApi, ModelCredential } from '../../domain/ports/gateway.ts'
import { ByteLimit, TooManyBytesError } from './byte-limit.ts'
import { answerError } from './error-answer.ts'
import { requestHeaders, responseHeaders } from './headers.ts'
import type { ModelCall } from './model-calls.ts'
import { passBody } from './pass-body.ts'

const CONNECT_MS = 15_000
/** A model that thinks long sends nothing for minutes. */
const SILENCE_MS = 15 * 60_000
/** More than any service takes: pictures go along as text. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024

export interface Service {
  readonly api: ModelApi
  readonly baseUrl: URL
  readonly agent: Agent
}

export interface ForwardTask {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly call: ModelCall
  readonly service: Service
  readonly credential: ModelCredential | null
  /** The service does not know the credential. */
  readonly onKeyRefused: () => void
  /** The service began to answer, so long after it was asked. */
  readonly onAnswer: (answer: { readonly status: number; readonly ms: number }) => void
  /** Told once when the service did not answer, or not to the end; the client has been told by then. */
  readonly onFailed: (reason: string) => void
}

/**
 * Passes one request on and its answer back, both as they come: neither side is read faster than the other takes. When
 * one side ends early, the other is ended, too. Never throws.
 */
export function forward(task: ForwardTask): void {
  const { request, response, call, service, credential } = task
  const { baseUrl } = service
  const send = baseUrl.protocol === 'https:' ? httpsRequest : httpRequest
  const upstream = send(baseUrl, {
    agent: service.agent,
    method: request.method ?? 'GET',
    path: baseUrl.pathname.replace(/\/+$/, '') + call.path,
    headers: requestHeaders(request.headers, { api: service.api, host: baseUrl.host, credential }),
  })
  // Whatever breaks here after the client has left is no failure of the service.
  const fail = (reason: string, status: number, text: string) => {
    if (response.headersSent || response.closed) return
    answerError(response, status, text)
    task.onFailed(reason)
  }
  limitWaiting(upstream)
  response.on('close', () => {
    if (!response.writableFinished) upstream.destroy()
  })
  const from = performance.now()
  let isAnswered = false
  upstream.on('response', (answer) => {
    isAnswered = true
    task.onAnswer({ status: answer.statusCode ?? 0, ms: Math.round(performance.now() - from) })
    passBack(answer, task)
  })
  upstream.on('error', (error) => {
    if (error instanceof TooManyBytesError) fail('the request is too large', 413, error.message)
    else fail(reasonOf(error), 502, 'the model service could not be reached')
  })
  upstream.on('close', () => {
    // Such as an upgrade that nobody asked for, of which Node tells nothing else.
    if (!isAnswered) fail('no answer', 502, 'the model service did not answer')
  })
  // Not a pipeline: that would close the client's connection before it got an answer.
  const body = new ByteLimit(MAX_BODY_BYTES)
  body.on('error', (error) => upstream.destroy(error))
  request.pipe(body).pipe(upstream)
}

function passBack(answer: IncomingMessage, task: ForwardTask): void {
  const { response, onFailed } = task
  const key = task.credential?.key ?? null
  const status = answer.statusCode ?? 502
  answer.on('error', (error) => {
    if (!response.closed) onFailed(`the answer was cut: ${reasonOf(error)}`)
  })
  if (response.closed) {
    answer.destroy()
    return
  }
  response.writeHead(status, responseHeaders(answer.headers, key))
  // What streams has its head sent before the first piece.
  response.flushHeaders()
  if (status === 401) {
    onFailed(`status 401, ${key === null ? 'there is no key' : 'the key was refused'}`)
    if (key !== null) task.onKeyRefused()
  }
  passBody(answer, response, { secrets: key === null ? [] : [key] })
}

/** Ends a request whose connection does not come about, or on which nothing is heard for long. */
function limitWaiting(upstream: ClientRequest): void {
  const timer = setTimeout(() => upstream.destroy(new Error('no connection in time')), CONNECT_MS)
  const stop = () => clearTimeout(timer)
  upstream.on('close', stop)
  upstream.on('socket', (socket) => {
    if (socket.connecting) socket.once('connect', stop)
    else stop()
  })
  upstream.setTimeout(SILENCE_MS, () => upstream.destroy(new Error('no answer in time')))
}

/** What went wrong, without addresses and names. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return (error.code ?? error.message).slice(0, 100)
}
