import type { TurnEvent, TurnInput } from '@creel/protocol'
import { type Clock, rest } from '../../clock.ts'
import { errorText } from '../../log.ts'
import type { Turn } from '../../provider.ts'
import { compactSession } from './compaction.ts'
import { EventQueue } from './event-queue.ts'
import { reasonOfWords } from './failure.ts'
import { type FilePart, fileParts } from './file-parts.ts'
import { messageId } from './message-id.ts'
import { DEFAULT_MODEL, type ModelName, modelName } from './model-name.ts'
import { earlierTry } from './repeated-prompt.ts'
import type { OpencodeServer, TurnListener } from './server.ts'
import { ServerRefusal } from './server-api.ts'
import { TurnMapper } from './turn-mapper.ts'
import type { ServerEvent } from './wire.ts'

/**
 * Longest wait of the server's own retries. It would try for more than a minute (2, 5, 9, 18, 33 s) in silence, or for
 * as long as the model asks; after this the person is told instead.
 */
const MAX_RETRY_WAIT_MS = 15_000
/** An abort that takes longer is left to the background. */
const ABORT_WAIT_MS = 800
/** Between an idle without an answer and the closer look: a prompt may just have been taken. */
const DOUBT_MS = 700
const MAX_TITLE = 100

const SESSION_ID = /^ses_[0-9A-Za-z]{1,100}$/

/** One turn on a server that may not have been started yet. */
export class OpencodeTurn implements Turn {
  readonly #input: TurnInput
  readonly #signal: AbortSignal
  readonly #clock: Clock
  readonly #server: () => Promise<OpencodeServer>
  readonly #queue = new EventQueue()
  readonly #model: ModelName
  readonly #ended = new AbortController()
  #at: { server: OpencodeServer; session: string; mapper: TurnMapper; listener: TurnListener } | undefined
  /** The prompts on their way to the server; never rejects. */
  #sending: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(
    input: TurnInput,
    signal: AbortSignal,
    parts: { clock: Clock; server: () => Promise<OpencodeServer>; model: string | undefined },
  ) {
    this.#input = input
    this.#signal = signal
    this.#clock = parts.clock
    this.#server = parts.server
    this.#model = modelName(input.model ?? parts.model ?? DEFAULT_MODEL)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnEvent, void> {
    const onAbort = () => void this.#interrupt()
    this.#signal.addEventListener('abort', onAbort, { once: true })
    void this.#begin().catch((error: unknown) => this.#fail('crashed', errorText(error)))
    if (this.#signal.aborted) onAbort()
    try {
      for (let event = await this.#queue.next(); event; event = await this.#queue.next()) yield event
    } finally {
      this.#signal.removeEventListener('abort', onAbort)
      // A reader that leaves early must not leave a run behind.
      if (!this.#queue.ended) await this.#interrupt()
    }
  }

  /**
   * More input for the run that goes on: the server takes it up after the reply or the tool call that is under way,
   * and the turn ends when it is answered, too.
   */
  async steer(text: string): Promise<'accepted' | 'too-late' | 'unsupported'> {
    const at = this.#at
    if (!at || this.#queue.ended || this.#stopping) return 'too-late'
    const before = at.mapper.newest
    const id = messageId(this.#clock.now())
    at.mapper.expect(id)
    return await this.#send(() => this.#prompt(at.server, at.session, id, text)).then(
      () => 'accepted',
      () => {
        at.mapper.forget(id, before)
        // The run may have ended while the prompt was on its way.
        void this.#look()
        return 'too-late'
      },
    )
  }

  async #begin(): Promise<void> {
    const server = await this.#server()
    if (this.#queue.ended) return
    if (!server.knowsModel(this.#model)) {
      const { providerID, modelID } = this.#model
      this.#fail('other', `model: opencode does not know "${modelID}" of ${providerID}`)
      return
    }
    const session = await this.#session(server)
    if (session === undefined || this.#queue.ended) return
    this.#queue.push({ type: 'started', resumeToken: session })
    const id = messageId(this.#clock.now())
    const mapper = new TurnMapper(session, id, () => this.#clock.now())
    const listener = this.#listener(session)
    this.#at = { server, session, mapper, listener }
    server.attach(listener)
    if (this.#input.kind === 'compact') {
      this.#queue.push({ type: 'phase', phase: 'compacting' })
      const events = await compactSession(server.api, session, this.#model, () => this.#clock.now())
      for (const event of events) this.#pass(event)
      return
    }
    const files = await fileParts(this.#input.attachments)
    await this.#send(() => this.#prompt(server, session, id, this.#input.prompt, files)).catch(
      (error: unknown) => {
        const lost = error instanceof ServerRefusal && error.status === 404
        this.#fail(lost ? 'resume-lost' : 'crashed', errorText(error))
      },
    )
  }

  /** The session to talk in; undefined when it is lost, which ends the turn. */
  async #session(server: OpencodeServer): Promise<string | undefined> {
    const token = this.#input.resumeToken
    if (token === undefined) return await server.api.createSession(this.#input.session.slice(0, MAX_TITLE))
    if (SESSION_ID.test(token) && (await server.api.hasSession(token))) {
      await server.settled(token)
      if (this.#input.attempt > 1) await this.#forgetEarlierTry(server, token)
      return token
    }
    this.#fail('resume-lost', 'opencode does not know the session')
    return undefined
  }

  /** The runner died in the middle of this very prompt: the model must not be asked the same thing twice. */
  async #forgetEarlierTry(server: OpencodeServer, session: string): Promise<void> {
    const history = await server.api.history(session)
    for (const id of earlierTry(history, this.#input.prompt)) await server.api.remove(session, id)
  }

  #prompt(
    server: OpencodeServer,
    session: string,
    id: string,
    text: string,
    files: readonly FilePart[] = [],
  ): Promise<void> {
    return server.api.prompt(session, { id, text, files, model: this.#model, effort: this.#input.effort })
  }

  /** One prompt after the other, so that they are stored in the order of their ids. */
  #send(work: () => Promise<void>): Promise<void> {
    const sent = this.#sending.then(work)
    this.#sending = sent.catch(() => undefined)
    return sent
  }

  #listener(session: string): TurnListener {
    return {
      session,
      conversation: this.#input.session,
      take: (event) => this.#take(event),
      missed: () => void this.#look(),
      died: (how) => this.#fail('crashed', `opencode ended: ${how}`),
    }
  }

  #take(event: ServerEvent): void {
    const mapper = this.#at?.mapper
    if (!mapper || this.#queue.ended || this.#stopping) return
    for (const mapped of mapper.take(event)) this.#pass(mapped)
    if (event.type === 'retry' && event.session === this.#at?.session) this.#onRetry(event)
    if (mapper.takeDoubt()) void rest(this.#clock, DOUBT_MS, this.#ended.signal).then(() => this.#look())
  }

  #pass(event: TurnEvent): void {
    if (event.type === 'completed' || event.type === 'failed') this.#end(event)
    else this.#queue.push(event)
  }

  #onRetry(event: Extract<ServerEvent, { type: 'retry' }>): void {
    const waitMs = event.nextAt - this.#clock.now()
    if (waitMs <= MAX_RETRY_WAIT_MS) return
    void this.#at?.server.abort(event.session)
    const message = `gave up before a wait of ${waitMs} ms: ${event.message}`.slice(0, 500)
    const reason = reasonOfWords(event.message)
    this.#end({
      type: 'failed',
      reason,
      message,
      ...(reason === 'rate-limited' ? { retryAfterMs: waitMs } : {}),
    })
  }

  /** Asks the server how the turn stands, when its events cannot tell. */
  async #look(): Promise<void> {
    const at = this.#at
    if (!at || this.#queue.ended || this.#stopping) return
    try {
      await this.#sending
      const busy = await at.server.api.busy(at.session)
      for (const event of await at.server.api.history(at.session)) this.#take(event)
      if (busy || this.#queue.ended || this.#stopping) return
      for (const mapped of at.mapper.take({ type: 'idle', session: at.session })) this.#pass(mapped)
      if (!at.mapper.takeDoubt()) return
      // Idle, not answered: once more, for the run may be about to begin.
      await rest(this.#clock, DOUBT_MS, this.#ended.signal)
      if (!this.#queue.ended && !this.#stopping && !(await at.server.api.busy(at.session)))
        this.#pass(at.mapper.giveUp())
    } catch (error) {
      // A server that does not answer has died, which ends the turn, or the stream breaks again and asks anew.
      if (at.server.death !== undefined) this.#fail('crashed', errorText(error))
    }
  }

  async #interrupt(): Promise<void> {
    if (this.#queue.ended || this.#stopping) return
    this.#stopping = true
    const at = this.#at
    if (at) {
      const timer = new AbortController()
      const aborted = this.#sending.then(() => at.server.abort(at.session))
      await Promise.race([aborted, rest(this.#clock, ABORT_WAIT_MS, timer.signal)])
      timer.abort()
    }
    this.#end({ type: 'interrupted' })
  }

  #fail(reason: Extract<TurnEvent, { type: 'failed' }>['reason'], message: string): void {
    this.#end({ type: 'failed', reason, message: message.slice(0, 1_000) })
  }

  #end(event: TurnEvent): void {
    if (this.#queue.ended) return
    this.#queue.end(event)
    this.#ended.abort()
    if (this.#at) this.#at.server.detach(this.#at.listener)
  }
}
