import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { EgressTarget } from '../../../domain/ports/egress.ts'
import type { Stop } from './stop.ts'
import { authorityOf } from './target.ts'

/** What an agent reads: which host, why, who decides, and what to do. `target`: null where it could not be read. */
export function refusalText(target: EgressTarget | null, stop: Stop): string {
  const where = target === null ? 'this request' : authorityOf(target)
  if (stop.outcome === 'failed') return `Creel gateway: ${where} failed: ${stop.message}.\n`
  const text = `Creel gateway: ${where} was refused: ${stop.message}.`
  if (!stop.canAsk || target === null) return `${text}\n`
  return `${text} The owner decides which hosts this agent may reach. To ask for it, call the tool request_egress with the host ${target.host} and the reason; trying again before it is allowed does not help.\n`
}

/** Some clients show nothing but the words behind the status. A target that was read has no odd character in it. */
function phraseOf(target: EgressTarget | null, stop: Stop): string {
  if (!stop.canAsk || target === null) return STATUS_CODES[stop.status] ?? ''
  return `Creel denied ${target.host}, ask with request_egress`
}

/** Answers instead of the server. A body that was not read is not waited for. */
export function refuse(response: ServerResponse, target: EgressTarget | null, stop: Stop): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const body = refusalText(target, stop)
  response.writeHead(stop.status, phraseOf(target, stop), {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-creel-gateway': stop.outcome,
    ...(stop.status === 429 ? { 'retry-after': '1' } : {}),
    ...(response.req.complete ? {} : { connection: 'close' }),
  })
  response.end(response.req.method === 'HEAD' ? '' : body)
}

/** The same on a bare connection, which is then closed. */
export function refuseAndClose(socket: Duplex, target: EgressTarget | null, stop: Stop): void {
  const body = refusalText(target, stop)
  const head = [
    `HTTP/1.1 ${stop.status} ${phraseOf(target, stop)}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-creel-gateway: ${stop.outcome}`,
    'connection: close',
  ]
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  else socket.destroy()
}
