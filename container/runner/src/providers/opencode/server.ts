import { type Clock, rest } from '../../clock.ts'
import { type EventLog, errorText } from '../../log.ts'
import { OUR_SERVER, type ToolAccess } from '../../tools/tool-access.ts'
import { followEvents } from './event-stream.ts'
import type { ModelName } from './model-name.ts'
import type { ServerApi } from './server-api.ts'
import { readEvent, type ServerEvent } from './wire.ts'

/** A server that does not answer an abort for so long is hung. */
const ABORT_MS = 5_000
/** A run that was asked for just before the abort may begin after it. */
const ABORT_AGAIN_MS = 150
/** Runs begin within this after their prompt was taken. */
const ABORT_ROUNDS = 3
const CONNECT_MS = 30_000
/** How deep subagents may be in one another. */
const MAX_DEPTH = 8

type PermissionAsked = Extract<ServerEvent, { type: 'permission-asked' }>

/** The process behind a server. */
export interface ServerLife {
  /** Resolves when it has ended, with how. */
  readonly exited: Promise<string>
  /** Ends it and all that it started. Idempotent. */
  stop(): Promise<void>
}

/** A turn, as the server sees it. */
export interface TurnListener {
  readonly session: string
  /** Our name for the session. */
  readonly conversation: string
  /** Any event of the server; most are of other sessions. */
  take(event: ServerEvent): void
  /** Events were lost: ask for what they told. */
  missed(): void
  /** The server is gone. */
  died(how: string): void
}

export interface ServerParts {
  readonly life: ServerLife
  readonly api: ServerApi
  readonly tools: ToolAccess
  readonly clock: Clock
  readonly log: EventLog
}

/** A running server with one stream of events for all its sessions. */
export class OpencodeServer {
  readonly api: ServerApi
  readonly #parts: ServerParts
  readonly #turns = new Set<TurnListener>()
  /** Questions about our tools that wait for their answer. */
  readonly #asked = new Set<string>()
  readonly #aborts = new Map<string, Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #stream: Promise<void>
  readonly #connected = Promise.withResolvers<void>()
  #models: ReadonlySet<string> = new Set()
  #death: string | undefined

  private constructor(parts: ServerParts) {
    this.#parts = parts
    this.api = parts.api
    void parts.life.exited.then((how) => this.#onExit(how))
    let opened = 0
    this.#stream = followEvents(
      {
        open: (signal) => parts.api.events(signal),
        clock: parts.clock,
        onData: (data) => this.#onData(data),
        onOpen: () => {
          if (opened++ > 0) this.#onGap()
        },
        onBroken: (error) => parts.log('opencode_stream_broken', { error: errorText(error) }),
      },
      this.#stopping.signal,
    )
  }

  /** Connects to a server that listens, and waits until its tool servers were tried. Stops it when that fails. */
  static async connect(parts: ServerParts): Promise<OpencodeServer> {
    const server = new OpencodeServer(parts)
    try {
      await server.#ready()
      return server
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  /** How it ended; undefined while it lives. */
  get death(): string | undefined {
    return this.#death
  }

  knowsModel(model: ModelName): boolean {
    return this.#models.has(`${model.providerID}/${model.modelID}`)
  }

  attach(turn: TurnListener): void {
    this.#turns.add(turn)
    if (this.#death !== undefined) turn.died(this.#death)
  }

  detach(turn: TurnListener): void {
    this.#turns.delete(turn)
  }

  /**
   * Ends the run of a session. Resolves when the server has said so; it goes on making sure in the background, and
   * `settled` waits for that. Ends a server that does not answer.
   */
  abort(session: string): Promise<void> {
    const first = Promise.withResolvers<void>()
    const whole = this.#abortUntilIdle(session, first.resolve).catch(async (error: unknown) => {
      first.resolve()
      // Gone, or going: nothing is left to abort.
      if (this.#death !== undefined || this.#stopping.signal.aborted) return
      this.#parts.log('opencode_hung', { error: errorText(error) })
      await this.#parts.life.stop()
    })
    const done = whole.finally(() => {
      if (this.#aborts.get(session) === done) this.#aborts.delete(session)
    })
    this.#aborts.set(session, done)
    return first.promise
  }

  /** Resolves when no abort of this session is under way. */
  async settled(session: string): Promise<void> {
    await this.#aborts.get(session)
  }

  /** Ends the server. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#parts.life.stop()
    await this.#stream
  }

  async #ready(): Promise<void> {
    const { api, clock, tools: access, life } = this.#parts
    const timer = new AbortController()
    const late = clock.sleep(CONNECT_MS, timer.signal).then(() => 'no stream of events')
    late.catch(() => undefined)
    const failed = await Promise.race([this.#connected.promise, life.exited, late])
    timer.abort()
    if (failed !== undefined) throw new Error(`opencode is not ready: ${failed}`)
    const [models, tools] = await Promise.all([api.models(), api.toolServers()])
    this.#models = models
    for (const [name, state] of tools) if (state !== 'connected') access.serverDown(name, state)
  }

  #onData(data: string): void {
    try {
      const event = readEvent(JSON.parse(data))
      if (event.type === 'connected') this.#connected.resolve()
      this.#answer(event)
      for (const turn of this.#turns) turn.take(event)
    } catch (error) {
      this.#parts.log('opencode_event_unread', { error: errorText(error) })
    }
  }

  /** Nobody is there to be asked: what is asked for is allowed, for the sandbox is the boundary. */
  #answer(event: ServerEvent): void {
    const reply =
      event.type === 'permission-asked'
        ? this.#allow(event)
        : event.type === 'question-asked'
          ? this.api.rejectQuestion(event.id)
          : undefined
    reply?.catch((error: unknown) => this.#parts.log('opencode_answer_failed', { error: errorText(error) }))
  }

  /**
   * A call of our tools is let go through the gate, one at a time: the server tells with the question whose call it is,
   * and does not with the call.
   */
  async #allow({ id, session, permission }: PermissionAsked): Promise<void> {
    const ours = `${OUR_SERVER}_`
    if (!permission.startsWith(ours)) return this.api.allow(id)
    if (this.#asked.has(id)) return
    this.#asked.add(id)
    try {
      const call = { tool: permission.slice(ours.length), session: await this.#conversationOf(session) }
      await this.#parts.tools.gate.pass(call, () => this.api.allow(id))
    } finally {
      this.#asked.delete(id)
    }
  }

  /** Our name for the session that this one is, or works for; empty when none of ours is at work. */
  async #conversationOf(session: string): Promise<string> {
    let id = session
    for (let depth = 0; depth < MAX_DEPTH && id !== ''; depth++) {
      for (const turn of this.#turns) if (turn.session === id) return turn.conversation
      id = await this.api.parentOf(id)
    }
    return ''
  }

  #onGap(): void {
    for (const turn of this.#turns) turn.missed()
    void this.api.waiting().then(
      (events) => {
        for (const event of events) this.#answer(event)
      },
      (error: unknown) => this.#parts.log('opencode_answer_failed', { error: errorText(error) }),
    )
  }

  #onExit(how: string): void {
    this.#death = how
    this.#stopping.abort()
    this.#parts.log('opencode_ended', { how: how.slice(0, 200) })
    for (const turn of this.#turns) turn.died(how)
  }

  async #abortUntilIdle(session: string, onFirst: () => void): Promise<void> {
    const { clock } = this.#parts
    const until = clock.now() + ABORT_MS
    let quiet = 0
    while (quiet < ABORT_ROUNDS && this.#death === undefined) {
      if (clock.now() > until) throw new Error(`a run did not end within ${ABORT_MS} ms of its abort`)
      await withLimit(this.api.abort(session), ABORT_MS, clock)
      onFirst()
      await rest(clock, ABORT_AGAIN_MS, this.#stopping.signal)
      quiet = (await this.api.busy(session)) ? 0 : quiet + 1
    }
  }
}

async function withLimit(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const timer = new AbortController()
  const late = clock.sleep(ms, timer.signal).then(() => {
    throw new Error(`no answer within ${ms} ms`)
  })
  late.catch(() => undefined)
  await Promise.race([work, late]).finally(() => timer.abort())
}
