import * as z from 'zod'
import type { Clock } from '../../clock.ts'
import { JsonRpcConnection, RpcClosedError, RpcError } from '../../json-rpc/connection.ts'
import { type EventLog, errorText } from '../../log.ts'
import type { RunningProcess } from './launch.ts'
import { closePlantedSkills, type Request } from './planted-skills.ts'
import { answerServerRequest } from './server-requests.ts'
import { brokenServers, type ThreadConfig, withoutServers } from './thread-config.ts'
import { textInput } from './turn-input.ts'

/** A first start on an empty home took 3 s on a busy machine. */
const HANDSHAKE_MS = 60_000
/** A thread waits for its tool servers, of which each has 30 s. */
const THREAD_MS = 90_000
const REQUEST_MS = 30_000
/** -32600: app-server's one code for all that it will not do. */
const INVALID_REQUEST = -32600

const OfThread = z.object({ threadId: z.string() })
const ThreadAnswer = z.object({ thread: z.object({ id: z.string() }), model: z.string().optional() })
const TurnAnswer = z.object({ turn: z.object({ id: z.string() }) })

/** Hears what app-server reports of one thread. Must not throw. */
export type ThreadListener = (method: string, params: unknown) => void

export interface TurnSettings {
  readonly cwd: string
  readonly model?: string
  readonly effort?: string
}

export interface ThreadSettings extends TurnSettings {
  readonly config: ThreadConfig
}

export interface AppServerParts {
  readonly clock: Clock
  readonly log: EventLog
  /** Names of the group's own tool servers. */
  readonly toolServers: readonly string[]
  readonly onToolServerDown: (name: string, why: string) => void
  readonly workspaceDir: string
  /** The skills that are not the agent's to write. */
  readonly skillsDir: string
}

export interface OpenThread {
  readonly id: string
  /** The model it runs on, as app-server says. */
  readonly model: string
}

/** Whether app-server refused a request, as it does for a thread that it does not know and a turn that is over. */
export function isRefusal(error: unknown): error is RpcError {
  return error instanceof RpcError && error.code === INVALID_REQUEST
}

/**
 * One app-server process: many threads, each with at most one turn. All methods reject with RpcError, RpcTimeoutError
 * or, once it has died, RpcClosedError.
 */
export class AppServer {
  /** Resolves when it may be used; rejects when it could not be started. */
  readonly ready: Promise<void>
  /** Resolves with how the process ended. */
  readonly died: Promise<string>
  readonly #process: RunningProcess
  readonly #connection: JsonRpcConnection
  readonly #listeners = new Map<string, ThreadListener>()
  readonly #loaded = new Map<string, { readonly thread: OpenThread; readonly config: ThreadConfig }>()
  readonly #parts: AppServerParts
  /** Tool servers that did not start: threads are opened without them. */
  readonly #down = new Set<string>()
  #dead = false

  constructor(process: RunningProcess, parts: AppServerParts) {
    const { clock, log } = parts
    this.#process = process
    this.#parts = parts
    this.#connection = new JsonRpcConnection(
      process.transport,
      {
        notification: (method, params) => this.#report(method, params),
        request: (method, params) => {
          log('codex_asked', { method: method.slice(0, 100) })
          return answerServerRequest(method, params, clock)
        },
        noise: (kind, bytes) => log('codex_noise', { kind, bytes }),
      },
      clock,
    )
    this.died = process.ended.then((how) => {
      this.#dead = true
      this.#connection.close(how)
      // What it leaves behind is nobody's child any more.
      process.kill()
      log('codex_ended', { how })
      return how
    })
    this.ready = this.#handshake(parts)
    // Whoever waits for it hears of a failure; nobody may be waiting any more.
    this.ready.catch((error: unknown) => {
      log('codex_not_started', { error: errorText(error) })
      process.kill()
    })
  }

  get dead(): boolean {
    return this.#dead
  }

  /** How many threads it holds in memory. */
  get threads(): number {
    return this.#loaded.size
  }

  async startThread({ cwd, model, config }: ThreadSettings): Promise<OpenThread> {
    return this.#open('thread/start', { cwd, model }, config)
  }

  /** Loads a thread of this or an earlier process; at once when it is loaded. */
  async resumeThread(id: string, settings: ThreadSettings): Promise<OpenThread> {
    const loaded = this.#loaded.get(id)
    if (loaded) return loaded.thread
    const { cwd, model, config } = settings
    const params = { threadId: id, excludeTurns: true, cwd, model }
    return this.#open('thread/resume', params, config)
  }

  /** Makes `listener` the one that hears of this thread, until the returned function is called. */
  listen(threadId: string, listener: ThreadListener): () => void {
    this.#listeners.set(threadId, listener)
    return () => {
      if (this.#listeners.get(threadId) === listener) this.#listeners.delete(threadId)
    }
  }

  /** Begins a turn and returns its id. While one runs, app-server takes this for more input to that one. */
  async startTurn(threadId: string, input: readonly object[], settings: TurnSettings): Promise<string> {
    const params = { threadId, input, ...settings }
    const begin = () => this.#connection.request('turn/start', params, REQUEST_MS)
    const answer = await begin().catch(async (error: unknown) => {
      const loaded = this.#loaded.get(threadId)
      if (!isRefusal(error) || !loaded) throw error
      this.#loaded.delete(threadId)
      // It has put the thread away since.
      await this.resumeThread(threadId, { ...settings, config: loaded.config })
      return begin()
    })
    return TurnAnswer.parse(answer).turn.id
  }

  /** Has a thread shortened, in a turn of its own that is reported like any other. */
  async compact(threadId: string): Promise<void> {
    await this.#connection.request('thread/compact/start', { threadId }, REQUEST_MS)
  }

  async steer(threadId: string, expectedTurnId: string, text: string): Promise<void> {
    await this.#connection.request(
      'turn/steer',
      { threadId, expectedTurnId, input: textInput(text) },
      REQUEST_MS,
    )
  }

  /** Ends a turn and the commands it has running, which app-server would let go on. */
  async interrupt(threadId: string, turnId: string, timeoutMs: number): Promise<void> {
    await this.#connection.request('turn/interrupt', { threadId, turnId }, timeoutMs)
    await this.#connection.request('thread/backgroundTerminals/clean', { threadId }, timeoutMs)
  }

  kill(): void {
    this.#process.kill()
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }

  async #handshake({ workspaceDir, skillsDir, log }: AppServerParts): Promise<void> {
    const params = {
      clientInfo: { name: 'creel', title: 'Creel', version: '0.1.0' },
      capabilities: { experimentalApi: true, requestAttestation: false },
    }
    const died = this.died.then((how) => {
      throw new RpcClosedError(how)
    })
    await Promise.race([this.#connection.request('initialize', params, HANDSHAKE_MS), died])
    this.#connection.notify('initialized')
    const request: Request = (method, more, limitMs) => this.#connection.request(method, more, limitMs)
    const planted = await Promise.race([closePlantedSkills(request, workspaceDir, skillsDir), died])
    if (planted > 0) log('codex_planted_skills', { closed: planted })
  }

  /** Opens a thread with all tool servers that start: each try without an answer is one with fewer of them. */
  async #open(method: string, params: object, config: ThreadConfig): Promise<OpenThread> {
    const asked = { ...params, config: withoutServers(config, this.#down) }
    const answer = await this.#connection.request(method, asked, THREAD_MS).catch((error: unknown) => {
      const broken = brokenServers(error, this.#parts.toolServers, this.#down)
      if (broken.length === 0) throw error
      for (const name of broken) {
        this.#down.add(name)
        this.#parts.onToolServerDown(name, errorText(error))
      }
      return undefined
    })
    return answer === undefined ? this.#open(method, params, config) : this.#opened(answer, config)
  }

  #opened(answer: unknown, config: ThreadConfig): OpenThread {
    const { thread, model } = ThreadAnswer.parse(answer)
    const opened = { id: thread.id, model: model ?? 'unknown' }
    this.#loaded.set(thread.id, { thread: opened, config })
    return opened
  }

  #report(method: string, params: unknown): void {
    const of = OfThread.safeParse(params)
    if (!of.success) return
    if (method === 'thread/closed') this.#loaded.delete(of.data.threadId)
    this.#listeners.get(of.data.threadId)?.(method, params)
  }
}
