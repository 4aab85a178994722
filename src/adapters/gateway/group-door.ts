import { chmodSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { CreelError, errorText } from '../../domain/errors.ts'
import { makeRoomForSocket, socketExists } from '../../socket-path.ts'
import { doorServer } from './door-server.ts'
import { answerError, answerErrorAndClose } from './error-answer.ts'
import { ALLOWED, judgeCall, type ModelCall } from './model-calls.ts'
import type { ToolTraffic } from './proxy/tool-traffic.ts'

/** Connections of one group at once; the next ones are told so, up to where the server drops them. */
const MAX_CONNECTIONS = 128
/** Calls of models of one group under way at once. */
const MAX_REQUESTS = 32
/** More connections and requests than this within one window, and the door is shut for a window. */
const MAX_ARRIVALS = 400
const WINDOW_MS = 1_000

export interface DoorOptions {
  readonly path: string
  /** What is for no model service: the door of tools. */
  readonly tools: ToolTraffic
  /** A request that may pass. The door counts it as under way until the response is closed. */
  readonly onCall: (request: IncomingMessage, response: ServerResponse, call: ModelCall) => void
  /** The client has been told. `target` is what it asked for: hostile text. */
  readonly onRefused: (request: { method: string; target: string }, reason: string) => void
}

/**
 * One group's socket. Whoever is in there is hostile; which group asks is told by the socket alone. Whoever knocks too
 * often is cut off for a while, so that it costs the host no time.
 */
export class GroupDoor {
  readonly #options: DoorOptions
  #server: Server | undefined
  /** One opening or closing after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #active = 0
  #connections = 0
  /** Connections that were one too many: nothing on them is heard. */
  readonly #tooMany = new WeakSet<Duplex>()
  #arrivals = 0
  #window: NodeJS.Timeout | undefined
  #shut = false

  constructor(options: DoorOptions) {
    this.#options = options
  }

  /** Resolves when a sandbox can connect; makes the socket again when its file was removed. Throws CreelError. */
  listen(): Promise<void> {
    return this.#next(() => this.#listen())
  }

  /** Ends what is under way. Idempotent. */
  close(): Promise<void> {
    return this.#next(() => this.#close())
  }

  #next(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #listen(): Promise<void> {
    const { path } = this.#options
    if (this.#shut || (this.#server && socketExists(path))) return
    await this.#close()
    makeRoomForSocket(path)
    const server = this.#makeServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(new CreelError('unavailable', `cannot listen at ${path}`, { cause: error }))
      })
      server.listen(path, resolve)
    })
    // A connection that could not be accepted (no file descriptor left) is the client's loss alone.
    server.on('error', () => undefined)
    // The sandbox has another uid; who may come here at all is decided by the private data directory.
    chmodSync(path, 0o666)
    this.#server = server
  }

  async #close(): Promise<void> {
    clearTimeout(this.#window)
    this.#window = undefined
    this.#arrivals = 0
    this.#shut = false
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await this.#options.tools.close()
    await closed
  }

  #makeServer(): Server {
    const { tools } = this.#options
    const server = doorServer({
      onConnection: (socket) => this.#admit(socket),
      onRequest: (request, response) => !this.#tooMany.has(request.socket) && this.#serve(request, response),
      onConnect: (request, socket, head) => {
        if (this.#tooMany.has(socket)) return
        tools.connect(request, socket, head, (opened) => server.emit('connection', opened))
      },
      onUpgrade: (request, socket, head) => {
        if (this.#tooMany.has(socket)) return
        if (this.#isForTools(request)) tools.upgrade(request, socket, head)
        else this.#turnAway(request, socket)
      },
      onUnreadable: (socket, code) => {
        if (tools.owns(socket)) {
          tools.unreadable(socket, code)
          return
        }
        this.#options.onRefused({ method: '?', target: '' }, `not HTTP: ${code}`)
        answerErrorAndClose(socket, 400, 'this is not a request that can be read')
      },
    })
    return server
  }

  #admit(socket: Duplex): void {
    if (this.#options.tools.owns(socket)) return
    if (this.#isFlood()) {
      socket.destroy()
      return
    }
    this.#connections++
    socket.once('close', () => this.#connections--)
    if (this.#connections <= MAX_CONNECTIONS) return
    this.#tooMany.add(socket)
    const reason = `more than ${MAX_CONNECTIONS} connections at once`
    this.#options.onRefused({ method: '?', target: '' }, reason)
    answerErrorAndClose(socket, 429, reason)
  }

  /** On a connection that the tools' door opened, or with the address of another host in it. */
  #isForTools({ socket, url = '' }: IncomingMessage): boolean {
    return this.#options.tools.owns(socket) || /^[a-z][a-z0-9+.-]*:\/\//i.test(url)
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    // What is opened has a bound of its own.
    if (!this.#options.tools.owns(request.socket) && this.#isFlood()) {
      request.socket.destroy()
      return
    }
    if (this.#isForTools(request)) {
      this.#options.tools.request(request, response)
      return
    }
    const asked = { method: request.method ?? '', target: request.url ?? '' }
    const call = judgeCall(asked.method, asked.target)
    if ('refused' in call) {
      answerError(response, 403, `${call.refused}; ${ALLOWED}`)
      this.#options.onRefused(asked, call.refused)
      return
    }
    if (this.#active >= MAX_REQUESTS) {
      answerError(response, 429, `more than ${MAX_REQUESTS} requests at once`)
      this.#options.onRefused(asked, 'too many requests at once')
      return
    }
    this.#active++
    response.on('close', () => this.#active--)
    this.#options.onCall(request, response, call)
  }

  /** Counts an arrival. At the first one too many the socket is taken away, and made again after a while. */
  #isFlood(): boolean {
    this.#window ??= setTimeout(() => this.#endWindow(), WINDOW_MS)
    this.#arrivals++
    if (this.#arrivals <= MAX_ARRIVALS) return false
    if (!this.#shut) {
      this.#shut = true
      // Takes the socket file away as well.
      this.#server?.close()
      this.#server?.closeAllConnections()
      void this.#options.tools.close()
      this.#options.onRefused({ method: '?', target: '' }, 'too many requests in a second')
    }
    return true
  }

  #endWindow(): void {
    this.#window = undefined
    this.#arrivals = 0
    if (!this.#shut) return
    this.#shut = false
    this.listen().catch((error: unknown) => {
      // Tried again when the group's sandbox is next prepared.
      this.#options.onRefused({ method: '?', target: '' }, `cannot listen again: ${errorText(error)}`)
    })
  }

  #turnAway(request: IncomingMessage, socket: Duplex): void {
    socket.on('error', () => socket.destroy())
    const reason = 'no upgrade of the connection'
    this.#options.onRefused({ method: request.method ?? '', target: request.url ?? '' }, reason)
    answerErrorAndClose(socket, 403, `${reason} is possible here; ${ALLOWED}`)
  }
}
