import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Answers with an error of our own, in the form that clients of both kinds of service read. */
export function answerError(response: ServerResponse, status: number, message: string): void {
  const body = errorBody(message)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(status === 429 ? { 'retry-after': '1' } : {}),
    // What is left of a refused body is not waited for.
    ...(status === 413 ? { connection: 'close' } : {}),
  })
  response.end(body)
}

/** The same on a bare connection, which is then closed. */
export function answerErrorAndClose(socket: Duplex, status: number, message: string): void {
  const body = errorBody(message)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  else socket.destroy()
}

function errorBody(message: string): string {
  return JSON.stringify({
    type: 'error',
    error: { type: 'creel_gateway', message: `Creel gateway: ${message}` },
  })
}
