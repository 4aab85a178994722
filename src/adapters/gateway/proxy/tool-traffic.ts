import { type IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { GroupName } from '../../../domain/ids.ts'
import { ConnectDoor } from './connect-door.ts'
import { RequestDoor } from './request-door.ts'
import { ToolContext, type ToolPorts } from './tool-context.ts'

const NOTING_MS = 500

/**
 * What the tools of one sandbox send out: a proxy for HTTP and TLS. Everything in it is hostile; what may pass is the
 * policy's word, asked for each connection before its name is looked up and for each request that can be read.
 */
export class ToolTraffic {
  readonly #context: ToolContext
  readonly #connects: ConnectDoor
  readonly #requests: RequestDoor
  readonly #sockets = new Set<Duplex>()
  readonly #passing = new Set<Promise<void>>()

  constructor(group: GroupName, ports: ToolPorts) {
    this.#context = new ToolContext(group, ports)
    this.#connects = new ConnectDoor(this.#context)
    this.#requests = new RequestDoor(this.#context)
  }

  /** Whether this connection was opened here: its requests, upgrades and faults are to be given back. */
  owns(socket: Duplex): boolean {
    return this.#context.opened.has(socket)
  }

  /** CONNECT. `serve` gets the connection when its requests are to be read. */
  connect(request: IncomingMessage, socket: Duplex, head: Buffer, serve: (socket: Duplex) => void): void {
    this.#keep(socket)
    const passing = this.#connects.connect(request, socket, head, serve)
    this.#passing.add(passing)
    void passing.finally(() => this.#passing.delete(passing))
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    void this.#requests.serve(request, response)
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#keep(socket)
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    if (!(socket instanceof Socket)) throw new TypeError('not a connection of the network')
    response.assignSocket(socket)
    response.on('finish', () => socket.end(() => socket.destroy()))
    void this.#requests.serve(request, response, { socket, head })
  }

  /** What came on a connection of its own cannot be read. */
  unreadable(socket: Duplex, code: string): void {
    this.#requests.unreadable(socket, code)
  }

  /** Ends every connection that it took over; resolves when that is noted, but soon. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    // One that still waits for a name or a server learns of it later.
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, NOTING_MS)
    await Promise.race([Promise.all(this.#passing), promise])
    clearTimeout(timer)
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // The reason does not matter: 'close' follows.
    socket.on('error', () => socket.destroy())
  }
}
