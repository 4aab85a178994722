import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { EgressTarget } from '../../../domain/ports/egress.ts'
import { awaitHello } from './await-hello.ts'
import { DirectRelay } from './direct-relay.ts'
import { joinStreams } from './join-streams.ts'
import { openTls, turnAwayTls } from './open-tls.ts'
import { refuseAndClose } from './refusal.ts'
import type { Route } from './route.ts'
import { asStop, Stop } from './stop.ts'
import { readTarget } from './target.ts'
import type { ToolContext } from './tool-context.ts'

/** Takes a connection whose requests are to be read. */
type Serve = (socket: Duplex) => void

interface Connection {
  readonly socket: Duplex
  readonly target: EgressTarget
  readonly route: Route
  /** Where its TLS is passed on unopened. */
  readonly server: Socket | null
  readonly relay: DirectRelay
  readonly from: number
}

/** CONNECT: a connection to one host and port, passed on as it is or opened. */
export class ConnectDoor {
  readonly #context: ToolContext

  constructor(context: ToolContext) {
    this.#context = context
  }

  /** Never throws; `serve` gets the connection when its requests can be read. */
  async connect(request: IncomingMessage, socket: Duplex, head: Buffer, serve: Serve): Promise<void> {
    const from = performance.now()
    const target = readTarget(request.url ?? '', null)
    let isAnswered = false
    try {
      const connection = await this.#prepare(target, socket, from)
      isAnswered = true
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (head.length > 0) socket.unshift(head)
      await this.#pass(connection, serve)
    } catch (error) {
      const stop = asStop(error)
      this.#context.noteStop({ target, method: 'CONNECT', path: '' }, from, stop)
      if (isAnswered) turnAwayTls(socket)
      else refuseAndClose(socket, target, stop)
    }
  }

  async #prepare(target: EgressTarget | null, socket: Duplex, from: number): Promise<Connection> {
    const context = this.#context
    if (target === null) throw new Stop('denied', 400, 'CONNECT needs host:port in its plain form')
    if (context.opened.has(socket)) throw new Stop('denied', 403, 'there is no proxy within this connection')
    context.readLimits()
    const release = context.share.connection()
    if (release === null) throw new Stop('denied', 429, 'too many connections at once')
    socket.once('close', release)
    const wait = context.share.connects.take(1)
    if (wait > 0) await pause(wait)
    if (socket.destroyed) throw new Stop('failed', 502, 'the client left')
    const { how, mayBePrivate } = await context.allowed(target)
    const route = await context.route(target, true, mayBePrivate)
    const relay = new DirectRelay(socket)
    const server = how === 'tunnel' ? await route.dial(relay) : null
    const leave = () => {
      route.close()
      server?.destroy()
    }
    server?.on('error', leave)
    socket.once('close', leave)
    if (socket.destroyed) {
      leave()
      throw new Stop('failed', 502, 'the client left')
    }
    return { socket, target, route, server, relay, from }
  }

  /**
   * What is TLS must name the host that was allowed, and is passed on or opened; a connection to a bare address names
   * none. Anything else is read as HTTP, whatever was to be done with TLS.
   */
  async #pass(connection: Connection, serve: Serve): Promise<void> {
    const { socket, target, route, server, relay, from } = connection
    const context = this.#context
    const words = await awaitHello(socket, context.share.limits.handshakeMs)
    if (words.is === 'other') {
      server?.destroy()
      const plain = route.unsecured()
      socket.once('close', () => plain.close())
      context.opened.set(socket, plain)
      serve(socket)
      socket.resume()
      return
    }
    const expected = isIP(target.host) ? null : target.host
    if (words.serverName !== expected) throw new Stop('denied', 403, wrongName(words.serverName))
    if (server !== null) {
      const asked = { target, method: 'CONNECT', path: '' }
      const passage = context.underWay(asked, from)
      const ending = await joinStreams(socket, server, { share: context.share, status: 200, relay, passage })
      context.note(asked, from, ending, passage)
      return
    }
    const secureContext = await context.ports.authority.contextFor(target.host)
    const opened = await openTls(socket, secureContext, context.share.limits.handshakeMs)
    context.opened.set(opened, route)
    serve(opened)
  }
}

function wrongName(serverName: string | null): string {
  return serverName === null
    ? 'TLS in it names no server (SNI), which must be the host of CONNECT'
    : `TLS in it is for another server (SNI ${serverName}) than the host of CONNECT`
}
