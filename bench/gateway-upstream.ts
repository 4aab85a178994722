// The server of the gateway bench, in a process of its own: a model that streams, and a file without an end. Each is
// there twice, on ports of the loopback for the gateway and on other ones, or a socket, for the direct way.
import { chmodSync } from 'node:fs'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Begins the server; answered with ports. */
export interface UpstreamOrder {
  readonly key: string
  readonly cert: string
}

/** Where the gateway finds it: without TLS, and with it twice, for rules that differ. */
export interface UpstreamPorts {
  readonly model: number
  readonly opened: number
  readonly tunnelled: number
}

/** Offers the direct ways at this path and at this address of the machine; answered with ports. */
export interface DirectOrder {
  readonly socket: string
  readonly address: string
}

export interface DirectPorts {
  readonly plain: number
  readonly tls: number
}

const PIECES = 20
const PIECE_MS = 5
const BLOCK = Buffer.alloc(64 * 1024, 'creel')

const serve: RequestListener = (request, response) => {
  request.resume()
  const bytes = Number(new URL(request.url ?? '', 'http://x').searchParams.get('bytes'))
  if (bytes > 0) file(response, bytes)
  else void stream(response)
}

/** Each piece says when it was written, on a clock that all processes of the machine share. */
async function stream(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let piece = 0; piece < PIECES; piece++) {
    if (piece > 0) await sleep(PIECE_MS)
    response.write(`data: ${Number(process.hrtime.bigint()) / 1e6}\n\n`)
  }
  response.end()
}

function file(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-length': bytes })
  let left = bytes
  const write = () => {
    while (left > 0) {
      const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK
      left -= block.length
      if (!response.write(block) && left > 0) {
        response.once('drain', write)
        return
      }
    }
    response.end()
  }
  write()
}

function listen(server: Server, where: string | number, address = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const ready = () => {
      if (typeof where === 'string') chmodSync(where, 0o666)
      resolve(typeof where === 'string' ? 0 : (server.address() as AddressInfo).port)
    }
    if (typeof where === 'string') server.listen(where, ready)
    else server.listen(where, address, ready)
  })
}

async function begin(order: UpstreamOrder): Promise<void> {
  const ports: UpstreamPorts = {
    model: await listen(createServer(serve), 0),
    opened: await listen(createTlsServer(order, serve), 0),
    tunnelled: await listen(createTlsServer(order, serve), 0),
  }
  process.once('message', async ({ socket, address }: DirectOrder) => {
    await listen(createServer(serve), socket)
    const direct: DirectPorts = {
      plain: await listen(createServer(serve), 0, address),
      tls: await listen(createTlsServer(order, serve), 0, address),
    }
    process.send?.(direct)
  })
  process.send?.(ports)
}

process.once('message', (order: UpstreamOrder) => void begin(order))
process.on('disconnect', () => process.exit(0))
