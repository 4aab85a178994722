import type { TurnEvent, TurnInput } from '@creel/protocol'
import * as z from 'zod'
import { type Clock, rest } from '../../clock.ts'
import { RpcClosedError, RpcTimeoutError } from '../../json-rpc/connection.ts'
import { type EventLog, errorText } from '../../log.ts'
import type { Turn } from '../../provider.ts'
import { type AppServer, isRefusal, type OpenThread, type TurnSettings } from './app-server.ts'
import { EventQueue } from './event-queue.ts'
import { failed } from './failure.ts'
import type { ThreadConfig } from './thread-config.ts'
import { turnInput } from './turn-input.ts'
import { TurnMapper } from './turn-mapper.ts'

/** After an abort the turn is reported as over by then, whatever app-server says. */
const REPORT_MS = 900
/** An app-server that has not ended a turn this long after the abort is killed, with all its turns. */
const INTERRUPT_MS = 5_000

export interface CodexTurnParts {
  readonly input: TurnInput
  readonly signal: AbortSignal
  readonly cwd: string
  /** Settings of app-server for this session alone. */
  readonly config: ThreadConfig
  readonly clock: Clock
  readonly log: EventLog
  /** The app-server, started if need be; waits for the session's turn before this one. */
  readonly server: () => Promise<AppServer>
  /** Called once, when nothing of the turn runs any more. */
  readonly onOver: () => void
}

const TurnStarted = z.object({ turn: z.object({ id: z.string() }) })

interface Running {
  readonly server: AppServer
  readonly threadId: string
  readonly turnId: string
}

/** One turn of one thread. It begins when it is iterated, and is interrupted when its reader leaves early. */
export class CodexTurn implements Turn {
  readonly #parts: CodexTurnParts
  readonly #queue = new EventQueue()
  readonly #left = new AbortController()
  readonly #signal: AbortSignal
  readonly #aborted: Promise<'aborted'>
  readonly #running: Promise<Running | undefined>
  #nowRunning: (running: Running | undefined) => void = () => undefined
  #over = false

  constructor(parts: CodexTurnParts) {
    this.#parts = parts
    this.#signal = AbortSignal.any([parts.signal, this.#left.signal])
    this.#running = new Promise((resolve) => {
      this.#nowRunning = resolve
    })
    this.#aborted = new Promise((resolve) => {
      if (this.#signal.aborted) resolve('aborted')
      else this.#signal.addEventListener('abort', () => resolve('aborted'), { once: true })
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<TurnEvent, undefined> {
    void this.#run()
    return {
      next: () => this.#queue.next(),
      return: async () => {
        this.#left.abort()
        this.#queue.close()
        return { done: true, value: undefined }
      },
    }
  }

  async steer(text: string): Promise<'accepted' | 'too-late'> {
    const running = await this.#running
    if (!running || this.#over) return 'too-late'
    try {
      await running.server.steer(running.threadId, running.turnId, text)
      return 'accepted'
    } catch (error) {
      // Refused, dead or silent: in each case the text is best sent as a turn of its own.
      this.#parts.log('codex_steer_refused', { error: errorText(error) })
      return 'too-late'
    }
  }

  async #run(): Promise<void> {
    const { clock, onOver } = this.#parts
    const timer = new AbortController()
    void this.#aborted
      .then(() => rest(clock, REPORT_MS, timer.signal))
      .then(() => timer.signal.aborted || this.#end({ type: 'interrupted' }))
    try {
      const end = await this.#converse(timer.signal)
      if (end) this.#end(end)
    } catch (error) {
      this.#end(this.#signal.aborted ? { type: 'interrupted' } : failureOfError(error))
    } finally {
      timer.abort()
      this.#nowRunning(undefined)
      onOver()
    }
  }

  /** The last event. Later ones are not the reader's business. */
  #end(event: TurnEvent): void {
    this.#over = true
    this.#queue.push(event)
    this.#queue.close()
  }

  /** Returns the last event, or nothing when app-server has reported it. */
  async #converse(over: AbortSignal): Promise<TurnEvent | undefined> {
    if (this.#signal.aborted) return { type: 'interrupted' }
    const server = await this.#unlessAborted(this.#parts.server())
    if (!server) return { type: 'interrupted' }
    const opened = await this.#unlessAborted(this.#open(server))
    if (!opened) return { type: 'interrupted' }
    if ('type' in opened) return opened
    this.#queue.push({ type: 'started', resumeToken: opened.id })
    void this.#aborted
      .then(() => rest(this.#parts.clock, INTERRUPT_MS, over))
      .then(() => over.aborted || server.kill())
    return this.#follow(server, opened)
  }

  #settings(): TurnSettings {
    const { input, cwd } = this.#parts
    return {
      cwd,
      ...(input.model === undefined ? {} : { model: input.model }),
      ...(input.effort === undefined ? {} : { effort: input.effort }),
    }
  }

  async #open(server: AppServer): Promise<OpenThread | TurnEvent> {
    const { resumeToken } = this.#parts.input
    const settings = { ...this.#settings(), config: this.#parts.config }
    if (resumeToken === undefined) return server.startThread(settings)
    try {
      return await server.resumeThread(resumeToken, settings)
    } catch (error) {
      if (isRefusal(error)) return failed('resume-lost', error.message)
      throw error
    }
  }

  async #follow(server: AppServer, thread: OpenThread): Promise<TurnEvent | undefined> {
    const { input } = this.#parts
    // Reports can overtake the answer that says which turn they are of.
    const early: [string, unknown][] = []
    const begun = Promise.withResolvers<string>()
    let hear = (method: string, params: unknown): void => {
      early.push([method, params])
      const started = method === 'turn/started' ? TurnStarted.safeParse(params) : undefined
      if (started?.success) begun.resolve(started.data.turn.id)
    }
    const stopListening = server.listen(thread.id, (method, params) => hear(method, params))
    try {
      const turnId =
        input.kind === 'compact'
          ? await this.#compact(server, thread.id, begun.promise)
          : await server.startTurn(thread.id, turnInput(input), this.#settings())
      const mapper = new TurnMapper(turnId, input.model ?? thread.model, input.kind === 'compact')
      const done = new Promise<void>((resolve) => {
        hear = (method, params) => {
          for (const event of mapper.take(method, params)) this.#report(event)
          if (mapper.over) resolve()
        }
      })
      for (const [method, params] of early) hear(method, params)
      const running = { server, threadId: thread.id, turnId }
      this.#nowRunning(running)
      return await this.#outcome(running, mapper, done)
    } catch (error) {
      if (isRefusal(error)) return failed('resume-lost', error.message)
      throw error
    } finally {
      stopListening()
    }
  }

  /** Returns the id of the turn in which the thread is shortened, which only a report tells. */
  async #compact(server: AppServer, threadId: string, begun: Promise<string>): Promise<string> {
    await server.compact(threadId)
    const died = server.died.then((how) => {
      throw new RpcClosedError(how)
    })
    return Promise.race([begun, died])
  }

  #report(event: TurnEvent): void {
    const last = event.type === 'completed' || event.type === 'failed' || event.type === 'interrupted'
    if (last) this.#end(event)
    else this.#queue.push(event)
  }

  async #outcome(running: Running, mapper: TurnMapper, done: Promise<void>): Promise<TurnEvent | undefined> {
    const death = running.server.died
    const aborted = (await Promise.race([done, death, this.#aborted])) === 'aborted'
    if (aborted) await this.#interrupt(running, done)
    if (mapper.over) return undefined
    for (const event of mapper.closeTools()) this.#queue.push(event)
    return aborted ? { type: 'interrupted' } : failed('crashed', `codex app-server ended: ${await death}`)
  }

  /** Resolves when the turn is over in app-server, too: another one begun before would be taken for a steer. */
  async #interrupt({ server, threadId, turnId }: Running, done: Promise<void>): Promise<void> {
    // An error says that the turn or the process has just ended; both are heard of below.
    const asked = server.interrupt(threadId, turnId, INTERRUPT_MS).catch((error: unknown) => errorText(error))
    await Promise.race([Promise.all([asked, done]), server.died])
  }

  async #unlessAborted<T>(work: Promise<T>): Promise<T | undefined> {
    // Left behind on an abort; how it fails then is nobody's business.
    work.catch(() => undefined)
    return Promise.race([work, this.#aborted.then(() => undefined)])
  }
}

function failureOfError(error: unknown): TurnEvent {
  if (error instanceof RpcClosedError) return failed('crashed', `codex app-server ended: ${error.message}`)
  if (error instanceof RpcTimeoutError) return failed('timeout', error.message)
  return failed('other', errorText(error))
}
