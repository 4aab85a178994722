import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Injection } from '../../../domain/injection.ts'
import type { EgressOutcome, PassedBytes } from '../../../domain/ports/egress.ts'
import { passBody } from '../pass-body.ts'
import { ByteAllowance, ByteMeter, OverLimitError } from './byte-meter.ts'
import type { Ending } from './ending.ts'
import type { GroupShare } from './group-share.ts'
import type { Passage } from './passage.ts'
import { refuse } from './refusal.ts'
import { returnedHeaders, searchedSecrets, sentHeaders, sentPath } from './relay-headers.ts'
import { hasBody } from './request-check.ts'
import type { Route } from './route.ts'
import { faultOf, Stop } from './stop.ts'
import { authorityOf } from './target.ts'
import { type ClientSocket, passUpgrade, UPGRADE_HEADERS } from './web-socket.ts'

/** What a server may be asked twice, when its connection turned out to be closed. */
const REPEATABLE: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

export interface ExchangeTask {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly route: Route
  /** Path and query, as the client sent them. */
  readonly path: string
  readonly injection: Injection | null
  readonly loopMark: string | null
  readonly share: GroupShare
  /** Where it asks for a WebSocket: the bare connection that `response` is for. */
  readonly upgrade?: ClientSocket
  readonly passage: Passage
  /** Told once, when both sides are through. */
  readonly onEnd: (ending: Ending) => void
}

/**
 * One request passed on and its answer passed back, both as they come: neither side is read faster than the other
 * takes. When one side ends early, the other is ended, too.
 */
export class Exchange {
  readonly #task: ExchangeTask
  readonly #secrets: readonly string[]
  readonly #sent: ByteMeter
  readonly #got: ByteMeter
  #upstream: ClientRequest | undefined
  #status: number | null = null
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #isUpgraded = false

  constructor(task: ExchangeTask) {
    const { limits, rate } = task.share
    this.#task = task
    this.#secrets = searchedSecrets(task.injection)
    const allowance = new ByteAllowance(limits.bytesPerRequest)
    this.#sent = new ByteMeter(allowance, rate)
    this.#got = new ByteMeter(allowance, rate)
    task.passage.read = () => this.#passed
  }

  /** To be called once. Never throws. */
  start(): void {
    const { request, response, share } = this.#task
    this.#timer = setTimeout(
      () => this.#fail(new Stop('failed', 504, 'it took too long')),
      share.limits.totalMs,
    )
    response.on('close', () => {
      if (this.#isUpgraded) return
      if (response.writableFinished) this.#end('allowed', null)
      else this.#end('failed', 'the client left')
    })
    this.#send(REPEATABLE.includes(request.method ?? '') && !hasBody(request))
  }

  #send(mayRepeat: boolean): void {
    try {
      this.#sendNow(mayRepeat)
    } catch (error) {
      // Node takes no header with an odd character, such as one of a secret that was typed wrongly.
      this.#fail(stopOf(error))
    }
  }

  #sendNow(mayRepeat: boolean): void {
    const { request, route, path, injection, loopMark, share, upgrade, passage } = this.#task
    const host = authorityOf(route.target, route.secure ? 443 : 80)
    const headers = {
      ...sentHeaders(request.headers, { host, injection, loopMark }),
      ...(upgrade ? UPGRADE_HEADERS : {}),
    }
    const upstream = route.request(request.method ?? 'GET', sentPath(path, injection), headers)
    this.#upstream = upstream
    upstream.setTimeout(share.limits.idleMs, () => upstream.destroy(new Error('nothing came for too long')))
    upstream.on('response', (answer) => this.#passBack(answer))
    if (upgrade)
      upstream.on('upgrade', (answer, server, rest) => {
        this.#isUpgraded = true
        upstream.setTimeout(0)
        const both = { ...upgrade, response: this.#task.response, answer, server, rest, passage }
        void passUpgrade(both, share, this.#secrets).then((ending) => this.#finish(ending))
      })
    upstream.on('error', (error) => {
      // The server closed the connection while it waited for the next request.
      const isStale = upstream.reusedSocket && this.#status === null
      if (mayRepeat && isStale && !this.#isOver) this.#send(false)
      else this.#fail(stopOf(error))
    })
    upstream.on('close', () => {
      // Such as an upgrade that nobody asked for, of which Node tells nothing else.
      const isSilent = this.#upstream === upstream && this.#status === null && !this.#isUpgraded
      if (isSilent) this.#fail(new Stop('failed', 502, 'no answer from the server'))
    })
    if (!hasBody(request)) {
      upstream.end()
      return
    }
    // Not a pipeline: that would close the client's connection before it got an answer.
    this.#sent.on('error', (error) => upstream.destroy(error))
    request.pipe(this.#sent).pipe(upstream)
  }

  #passBack(answer: IncomingMessage): void {
    const { request, response } = this.#task
    this.#status = answer.statusCode ?? 502
    answer.on('error', (error) =>
      this.#fail(new Stop('failed', 502, `the answer was cut (${faultOf(error)})`)),
    )
    if (this.#isOver) {
      answer.destroy()
      return
    }
    const packed = answer.headers['content-encoding'] ?? 'identity'
    if (this.#secrets.length > 0 && packed.toLowerCase() !== 'identity' && request.method !== 'HEAD') {
      this.#fail(new Stop('failed', 502, 'the server packed its answer though it was asked not to'))
      return
    }
    response.writeHead(this.#status, {
      ...returnedHeaders(answer.headers, this.#secrets),
      // The rest of a request that was answered early is not waited for.
      ...(request.complete ? {} : { connection: 'close' }),
    })
    // What streams has its head sent before the first piece.
    response.flushHeaders()
    passBody(answer, response, {
      secrets: this.#secrets,
      count: (bytes) => this.#got.count(bytes),
      onOver: (error) => this.#fail(stopOf(error)),
    })
  }

  #fail(stop: Stop): void {
    if (this.#isOver) return
    this.#end(stop.outcome, stop.message)
    refuse(this.#task.response, this.#task.route.target, stop)
  }

  #end(outcome: EgressOutcome, reason: string | null): void {
    this.#task.request.unpipe(this.#sent)
    if (outcome !== 'allowed') this.#upstream?.destroy()
    const status = this.#status
    this.#finish({ outcome, status, reason, ...this.#passed })
  }

  get #passed(): PassedBytes {
    return { bytesOut: this.#sent.bytes, bytesIn: this.#got.bytes }
  }

  #finish(ending: Ending): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#task.onEnd(ending)
  }
}

function stopOf(error: unknown): Stop {
  if (error instanceof OverLimitError) return new Stop('denied', 413, error.message)
  return new Stop('failed', 502, `no answer from the server (${faultOf(error)})`)
}
