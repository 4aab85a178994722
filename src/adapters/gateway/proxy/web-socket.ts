import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { KeyMask } from '../key-mask.ts'
import type { Ending } from './ending.ts'
import type { GroupShare } from './group-share.ts'
import { joinStreams } from './join-streams.ts'
import type { Passage } from './passage.ts'
import { returnedHeaders } from './relay-headers.ts'

/** A client's connection that asks for a WebSocket, and what it sent behind its request. */
export interface ClientSocket {
  readonly socket: Duplex
  readonly head: Buffer
}

export interface Agreed extends ClientSocket {
  readonly response: ServerResponse
  readonly answer: IncomingMessage
  readonly server: Duplex
  readonly rest: Buffer
  readonly passage: Passage
}

export const UPGRADE_HEADERS = { connection: 'Upgrade', upgrade: 'websocket' } as const

/** Why an upgrade is not passed on, or null. */
export function whyNoUpgrade({ method, headers }: IncomingMessage): string | null {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'only an upgrade to a WebSocket is passed on'
  const hasBody = headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined
  return method === 'GET' && !hasBody ? null : 'an upgrade must be a GET without a body'
}

/** Tells the client that the server agreed and passes bytes both ways until one side has enough. Never rejects. */
export function passUpgrade(agreed: Agreed, share: GroupShare, secrets: readonly string[]): Promise<Ending> {
  const { socket, head, response, answer, server, rest, passage } = agreed
  // It is bytes from here on.
  if (response.socket !== null) response.detachSocket(response.socket)
  if (socket.writable) socket.write(switchingHead(answer, secrets))
  if (rest.length > 0) server.unshift(rest)
  if (head.length > 0) socket.unshift(head)
  const masks = secrets.map((secret) => new KeyMask(secret))
  return joinStreams(socket, server, { share, masks, status: 101, passage })
}

function switchingHead(answer: IncomingMessage, secrets: readonly string[]): string {
  const headers = { ...returnedHeaders(answer.headers, secrets), ...UPGRADE_HEADERS }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((text) => `${name}: ${text}`),
  )
  return `${['HTTP/1.1 101 Switching Protocols', ...lines].join('\r\n')}\r\n\r\n`
}
