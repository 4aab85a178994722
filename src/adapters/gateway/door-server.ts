import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Beyond what a door lets in: so many can be told that there is no room. */
const MAX_CONNECTIONS = 192
const HEADERS_MS = 15_000
/** For sending one request, body and all: a large upload on a slow line. */
const REQUEST_MS = 60 * 60_000
/** Longer than clients keep an idle connection: they end it, and no request meets a closing one. */
const KEEP_ALIVE_MS = 120_000
const MAX_HEADER_BYTES = 32 * 1024

export interface DoorHandlers {
  /** Also for a connection that was opened and comes back. */
  readonly onConnection: (socket: Duplex) => void
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void
  readonly onConnect: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** What came is no HTTP. The connection is the handler's to close. */
  readonly onUnreadable: (socket: Duplex, code: string) => void
}

/** The HTTP server of one group's socket: strict in what it reads, bounded in how much and for how long. */
export function doorServer(handlers: DoorHandlers): Server {
  const server = createServer(
    {
      insecureHTTPParser: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    handlers.onRequest,
  )
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', handlers.onConnection)
  server.on('connect', handlers.onConnect)
  server.on('upgrade', handlers.onUpgrade)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    const code = error.code ?? ''
    // Anything else is a connection that broke.
    if (/^(?:HPE_|ERR_HTTP_)/.test(code)) handlers.onUnreadable(socket, code)
    else socket.destroy()
  })
  return server
}
