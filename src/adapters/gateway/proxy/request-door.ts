import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { EgressTarget } from '../../../domain/ports/egress.ts'
import { OverLimitError } from './byte-meter.ts'
import { Exchange } from './exchange.ts'
import { refuse, refuseAndClose } from './refusal.ts'
import { readAbsolute, whyNotPassed } from './request-check.ts'
import type { Route } from './route.ts'
import { asStop, Stop } from './stop.ts'
import type { ToolContext } from './tool-context.ts'
import { type ClientSocket, whyNoUpgrade } from './web-socket.ts'

interface Read {
  readonly target: EgressTarget
  /** Path and query. */
  readonly path: string
  readonly secure: boolean
  readonly isOpened: boolean
}

/** Requests that can be read: on opened connections, and plain ones with a whole address. Each is judged by itself. */
export class RequestDoor {
  readonly #context: ToolContext

  constructor(context: ToolContext) {
    this.#context = context
  }

  /** Never throws. `upgrade`: the bare connection that `response` is for. */
  async serve(request: IncomingMessage, response: ServerResponse, upgrade?: ClientSocket): Promise<void> {
    const context = this.#context
    const from = performance.now()
    const pace = context.share.arrival()
    if (pace === 'flood') {
      request.socket.destroy()
      return
    }
    const read = this.#read(request)
    const asked = { target: read?.target ?? null, method: request.method ?? '', path: read?.path ?? '' }
    const release = context.share.request()
    try {
      context.readLimits()
      if (read === null) throw new Stop('denied', 400, 'it has no address of the form http://host/path')
      if (pace === 'too-fast' || release === null) throw new Stop('denied', 429, 'too many requests')
      const why = (upgrade && whyNoUpgrade(request)) ?? this.#whyNotPassed(request, read)
      if (why !== null) throw new Stop('denied', 400, why)
      const { bytesPerRequest } = context.share.limits
      if (Number(request.headers['content-length'] ?? 0) > bytesPerRequest)
        throw new Stop('denied', 413, new OverLimitError(bytesPerRequest).message)
      const route = await this.#judge(request, read)
      const injection = await context.ports.secrets.forRequest(context.group, {
        ...read.target,
        path: withoutQuery(read.path),
        secure: read.secure,
      })
      const passage = context.underWay(asked, from)
      const onEnd = (ending: Parameters<ToolContext['note']>[2]) => {
        release()
        if (!read.isOpened) route.close()
        context.note(asked, from, ending, passage)
      }
      const { share, ports } = context
      const loopMark = route.mayBePrivate ? ports.loopMark : null
      const task = { request, response, route, path: read.path, injection, loopMark, share, passage, onEnd }
      new Exchange(upgrade ? { ...task, upgrade } : task).start()
    } catch (error) {
      release?.()
      const stop = asStop(error)
      context.noteStop(asked, from, stop)
      refuse(response, asked.target, stop)
    }
  }

  /** What came on an opened connection is no request. */
  unreadable(socket: Duplex, code: string): void {
    const target = this.#context.opened.get(socket)?.target ?? null
    const stop = new Stop('denied', 400, `this is not HTTP that can be read (${code})`)
    this.#context.noteStop({ target, method: '?', path: '' }, performance.now(), stop)
    refuseAndClose(socket, target, stop)
  }

  #read(request: IncomingMessage): Read | null {
    const url = request.url ?? ''
    const opened = this.#context.opened.get(request.socket)
    if (opened) {
      const { target, secure } = opened
      return { target, path: url, secure, isOpened: true }
    }
    const plain = readAbsolute(url)
    return plain && { ...plain, secure: false, isOpened: false }
  }

  #whyNotPassed(request: IncomingMessage, { path, target, secure }: Read): string | null {
    if (request.headers.via?.includes(this.#context.ports.loopMark)) return 'it came from this gateway'
    return whyNotPassed(request, path, target, secure)
  }

  /** The way that the request may go. Throws Stop. */
  async #judge(request: IncomingMessage, read: Read): Promise<Route> {
    const { ports, group, opened } = this.#context
    const { target } = read
    const known = opened.get(request.socket)
    const mayBePrivate = known === undefined && (await this.#context.allowed(target)).mayBePrivate
    const asked = { ...target, method: request.method ?? '', path: withoutQuery(read.path) }
    const verdict = await ports.policy.request(group, asked)
    if (!verdict.allowed) throw new Stop('denied', 403, verdict.reason, verdict)
    return known ?? (await this.#context.route(target, false, mayBePrivate))
  }
}

function withoutQuery(path: string): string {
  return path.split('?')[0] ?? ''
}
