import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { pipeline } from 'node:stream'
import { checkSources, type OwnView } from './check-sources.ts'
import type { ContainerGate } from './container-gate.ts'
import { readBounded } from './engine-client.ts'
import { type AllowedCall, judge, streamsBody } from './judge.ts'
import { DeniedError, type Policy } from './policy.ts'

export interface FilterOptions {
  /** The real engine. */
  readonly socket: string
  readonly gate: ContainerGate
  /** Where this process sees `Policy.roots`. */
  readonly view: OwnView
  /** Null as long as the install has no id: everything is refused until then. */
  readonly policy: () => Policy | null
  readonly log: FilterLog
}

export interface FilterLog {
  /** `target` is the path without its query, which may hold secrets. */
  denied(call: { method: string; target: string; reason: string }): void
  failed(call: { method: string; target: string; reason: string }): void
}

const BODY_MAX_BYTES = 1024 * 1024
/** dockerode repeats the whole create body in the query. */
const HEADER_MAX_BYTES = 256 * 1024
const CONNECTIONS_MAX = 512
const TOO_LARGE = 413
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-authenticate'])

/** The filter as a server; the caller listens on a socket and closes it. One client's failure never stops it. */
export function createFilter(options: FilterOptions): Server {
  const server = createServer({ maxHeaderSize: HEADER_MAX_BYTES }, (request, response) => {
    handle(options, request, response).catch((error: unknown) => fail(options, request, response, error))
  })
  server.maxConnections = CONNECTIONS_MAX
  return server
}

async function handle(
  options: FilterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const policy = options.policy()
  if (policy === null) {
    answer(response, 503, { message: 'creel filter: this install has no id yet, try again' })
    return
  }
  const method = request.method ?? ''
  const target = request.url ?? ''
  const body = streamsBody(method, target) ? '' : await readBounded(request, BODY_MAX_BYTES)
  const upgrade = request.headers.upgrade !== undefined || /upgrade/i.test(request.headers.connection ?? '')
  const verdict = judge({ method, target, upgrade, body }, policy)
  if (!verdict.allow) throw new DeniedError(verdict.reason)
  await checkSources(verdict.sources, policy.roots, options.view)
  let id = ''
  if (verdict.container !== null) {
    const gate = await options.gate.check(verdict.container.ref, verdict.container.check, policy)
    if (gate.type === 'answer') {
      answer(response, gate.status, gate.body)
      return
    }
    id = gate.id
  }
  forward(options, verdict, verdict.path.replace('{container}', id), request, response)
}

/** Both bodies are piped as they come: logs, waits and builds last long. Either end's going ends the other. */
function forward(
  options: FilterOptions,
  call: AllowedCall,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const upstream = httpRequest({
    socketPath: options.socket,
    method: call.method,
    path,
    agent: false,
    headers: bodyHeaders(call, request),
  })
  const ended = (error: Error) => fail(options, request, response, error)
  upstream.on('error', ended)
  upstream.on('response', (from) => {
    response.writeHead(from.statusCode ?? 502, plainHeaders(from))
    response.flushHeaders()
    pipeline(from, response, (error) => {
      if (error) response.destroy()
    })
  })
  response.on('close', () => upstream.destroy())
  if (call.body === 'stream') {
    pipeline(request, upstream, (error) => {
      if (error) upstream.destroy()
    })
  } else upstream.end(call.body ?? undefined)
}

/** No header of the client is copied: registry credentials and protocol switches would be among them. */
function bodyHeaders(call: AllowedCall, request: IncomingMessage): Record<string, string | number> {
  if (call.body === null) return call.method === 'POST' ? { 'content-length': 0 } : {}
  if (call.body !== 'stream')
    return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(call.body) }
  const length = request.headers['content-length']
  const framing = length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': length }
  return { 'content-type': 'application/x-tar', ...framing }
}

function plainHeaders(from: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(from.headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers[name] = value
  return headers
}

function fail(
  options: FilterOptions,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const denied = error instanceof DeniedError
  const reason = error instanceof Error ? error.message : String(error)
  const call = { method: request.method ?? '', target: (request.url ?? '').split('?')[0] ?? '', reason }
  if (response.destroyed) return
  if (denied) options.log.denied(call)
  else options.log.failed(call)
  if (response.headersSent) response.destroy()
  else if (denied) answer(response, 403, { message: `creel filter: ${reason}` })
  else if (error instanceof RangeError) answer(response, TOO_LARGE, { message: `creel filter: ${reason}` })
  else answer(response, 502, { message: 'creel filter: the engine did not answer as expected' })
}

/**
 * Node reads the rest of an unread body away after the answer, so that a client that is still sending a build
 * context gets to see why. A body that was too large already is cut off instead.
 */
function answer(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(status === TOO_LARGE ? { connection: 'close' } : {}),
  }
  response.writeHead(status, headers).end(text)
}
