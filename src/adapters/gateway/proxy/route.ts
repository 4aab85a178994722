import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type OutgoingHttpHeaders,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { EgressTarget } from '../../../domain/ports/egress.ts'
import type { DirectRelay } from './direct-relay.ts'
import type { Address } from './host-lookup.ts'
import { faultOf, Stop } from './stop.ts'

/** For each of several addresses; a slow network needs more than Node's quarter of a second. */
const ATTEMPT_MS = 1_500

export interface RouteOptions {
  readonly target: EgressTarget
  readonly secure: boolean
  /** Checked; nothing else is dialled. */
  readonly addresses: readonly Address[]
  readonly mayBePrivate: boolean
  readonly connectMs: number
  /** What servers are checked against in place of the usual authorities. */
  readonly trust: SecureContext | null
}

/** The way to one server: by addresses that were checked, never by a name that is looked up again. */
export class Route {
  readonly target: EgressTarget
  readonly secure: boolean
  /** Whether it could lead back to this host. */
  readonly mayBePrivate: boolean
  readonly #options: RouteOptions
  readonly #agent: HttpAgent | HttpsAgent

  constructor(options: RouteOptions) {
    this.target = options.target
    this.secure = options.secure
    this.mayBePrivate = options.mayBePrivate
    this.#options = options
    // One connection after the other belongs to one client's: what a server remembers of it is nobody else's.
    const agentOptions = { keepAlive: true, maxSockets: 1 }
    this.#agent = options.secure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions)
  }

  /** The same way for a client that does not speak TLS. */
  unsecured(): Route {
    return new Route({ ...this.#options, secure: false })
  }

  close(): void {
    this.#agent.destroy()
  }

  /** A bare connection, from which nothing is read before the relay begins. Throws Stop. */
  async dial(relay: DirectRelay): Promise<Socket> {
    const { connectMs } = this.#options
    const socket = connect({
      ...this.#way(),
      allowHalfOpen: true,
      noDelay: true,
      onread: relay.onread,
    }).pause()
    const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), connectMs)
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', reject)
      })
      return socket
    } catch (error) {
      throw new Stop('failed', 502, `no connection to the server (${faultOf(error)})`)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Begins a request. It errs when no connection, TLS with it, comes about in time. */
  request(method: string, path: string, headers: OutgoingHttpHeaders): ClientRequest {
    const { trust, connectMs } = this.#options
    const common = { ...this.#way(), method, path, headers, agent: this.#agent }
    const { host } = this.target
    const request = this.secure
      ? httpsRequest({
          ...common,
          servername: isIP(host) ? '' : host,
          // Whatever the environment of the host says.
          rejectUnauthorized: true,
          ...(trust === null ? {} : { secureContext: trust }),
        })
      : httpRequest(common)
    const timer = setTimeout(() => request.destroy(new Error('no connection in time')), connectMs)
    const stop = () => clearTimeout(timer)
    request.on('close', stop)
    request.on('socket', (socket) => {
      if (request.reusedSocket) stop()
      else socket.once(this.secure ? 'secureConnect' : 'connect', stop)
    })
    return request
  }

  #way() {
    const { target, addresses } = this.#options
    const lookup: LookupFunction = (_, { all }, done) => {
      const [first] = addresses
      if (all) done(null, [...addresses])
      else if (first) done(null, first.address, first.family)
      else done(new Error('no address'), '')
    }
    return {
      host: target.host,
      port: target.port,
      lookup,
      autoSelectFamily: addresses.length > 1,
      autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    }
  }
}
