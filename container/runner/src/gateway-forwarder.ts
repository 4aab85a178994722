import type { Server, Socket } from 'node:net'
import { type Clock, rest } from './clock.ts'
import { DirectRelay } from './direct-relay.ts'

/** More than the host lets in: those beyond its own bound are told so by it. */
const MAX_CONNECTIONS = 192
/** How long a connection waits for a host that is being restarted before it is closed. */
const HOST_WAIT_MS = 15_000
const REDIAL_MS = 100

export interface GatewayForwarderOptions {
  /** Port on the sandbox's loopback; 0 for any free one. */
  readonly port: number
  /** The host's socket. Looked up for each connection, so that a restarted host's new one is found. */
  readonly path: string
  readonly clock: Clock
}

/**
 * Offers the host's gateway on the sandbox's loopback, byte for byte: clients see an ordinary base URL. It decides
 * nothing; what may pass is the host's business.
 */
export class GatewayForwarder {
  readonly #options: GatewayForwarderOptions
  readonly #sockets = new Set<Socket>()
  readonly #closed = new AbortController()
  #server: Server | undefined

  constructor(options: GatewayForwarderOptions) {
    this.#options = options
  }

  /** Resolves with the port when connections are taken; rejects when the port is not free. To be called once. */
  listen(): Promise<number> {
    // Loaded here, not at the top: a provider that needs no gateway starts some milliseconds sooner.
    const { createServer } = process.getBuiltinModule('node:net')
    // Without noDelay each new TLS connection costs 45 ms more.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => void this.#serve(client))
    server.maxConnections = MAX_CONNECTIONS
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#options.port, '127.0.0.1', () => {
        server.off('error', reject)
        // A connection that could not be accepted (no file descriptor left) is the client's loss alone.
        server.on('error', () => undefined)
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : this.#options.port)
      })
    })
  }

  /** Ends all connections. Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('the forwarder is closed'))
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server?.listening) await new Promise((resolve) => server.close(resolve))
  }

  async #serve(client: Socket): Promise<void> {
    this.#keep(client)
    const host = await this.#dial(client)
    if (!host) {
      client.destroy()
      return
    }
    // With both streams at their end, what is still to be written gets there; else it has nowhere to go.
    const broken = () => !(client.readableEnded && host.readableEnded)
    client.on('close', () => broken() && host.destroy())
    host.on('close', () => broken() && client.destroy())
    client.pipe(host)
  }

  /** A connection to the host, tried again for a while; undefined when nobody answers or the client has gone. */
  async #dial(client: Socket): Promise<Socket | undefined> {
    const { clock } = this.#options
    const giveUpAt = clock.now() + HOST_WAIT_MS
    const over = () => client.destroyed || this.#closed.signal.aborted
    while (!over()) {
      const host = await this.#connect(client)
      if (host && over()) host.destroy()
      else if (host) return host
      if (clock.now() >= giveUpAt) return undefined
      await rest(clock, REDIAL_MS, this.#closed.signal)
    }
    return undefined
  }

  #connect(client: Socket): Promise<Socket | undefined> {
    const relay = new DirectRelay(client)
    const host = process
      .getBuiltinModule('node:net')
      .connect({ path: this.#options.path, allowHalfOpen: true, onread: relay.onread })
    relay.from(host)
    this.#keep(host)
    return new Promise((resolve) => {
      host.once('connect', () => resolve(host))
      host.once('close', () => resolve(undefined))
    })
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // The reason does not matter: 'close' follows, and ends the other half.
    socket.on('error', () => socket.destroy())
  }
}
