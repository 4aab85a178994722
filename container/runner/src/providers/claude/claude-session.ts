import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { type Clock, rest } from '../../clock.ts'
import { type EventLog, errorText } from '../../log.ts'
import { killTree, type ProcessMark } from '../../process-tree.ts'
import { PushQueue } from './push-queue.ts'
import type {
  ClaudeQuery,
  ContentBlock,
  Effort,
  QueryFunction,
  QueryOptions,
  SpawnRequest,
  UserMessage,
} from './sdk.ts'
import { SdkMessage } from './sdk-message.ts'

/** How long a process may take to leave by itself when it is no longer needed. */
const LEAVE_MS = 500
const MAX_STDERR = 2_000

/** Takes what a session sends while a turn of it runs. */
export interface SessionListener {
  message(message: SdkMessage): void
  /** Something that we do not read; a sign of life all the same. */
  alive(): void
  /** The process has ended, by itself or not. */
  ended(error: string): void
}

export interface SessionParts {
  readonly query: QueryFunction
  readonly options: QueryOptions
  readonly clock: Clock
  readonly log: EventLog
}

/**
 * One running query of the Agent SDK: a process of its own that keeps a conversation warm between its turns. What
 * comes while no turn listens is dropped.
 */
export class ClaudeSession {
  readonly #parts: SessionParts
  readonly #input = new PushQueue<UserMessage>()
  readonly #mark: ProcessMark = { name: 'CREEL_CLAUDE_SESSION', value: randomUUID() }
  readonly #query: ClaudeQuery
  readonly #ended: Promise<void>
  #child: ChildProcessWithoutNullStreams | undefined
  #stderr = ''
  #listener: SessionListener | undefined
  #id: string | undefined
  #model: string | undefined
  #effort: Effort | undefined
  #alive = true
  #toolsChecked = false

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#model = parts.options.model
    this.#effort = parts.options.effort
    this.#query = parts.query({
      prompt: this.#input,
      options: { ...parts.options, spawnClaudeCodeProcess: (request) => this.#spawn(request) },
    })
    this.#ended = this.#read()
  }

  /** The runtime's name of the conversation, once it has said it. */
  get id(): string | undefined {
    return this.#id
  }

  /** Whether another turn can run on it. */
  get alive(): boolean {
    return this.#alive
  }

  listen(listener: SessionListener | undefined): void {
    this.#listener = listener
  }

  /** Says something, and shows images before it; returns the id that results name it by. */
  say(text: string, images: readonly ContentBlock[] = []): string {
    const content = images.length === 0 ? text : [...images, { type: 'text' as const, text }]
    return this.#push(content, text.trimStart().startsWith('/') ? { client_composed: true } : {})
  }

  /** A command of the program itself; never something that a person wrote. */
  command(name: '/compact'): string {
    return this.#push(name, {})
  }

  #push(content: UserMessage['message']['content'], more: Pick<UserMessage, 'client_composed'>): string {
    const uuid = randomUUID()
    const message = { role: 'user', content } as const
    this.#input.push({ type: 'user', message, parent_tool_use_id: null, uuid, ...more })
    return uuid
  }

  /** Tool servers that this message says do not work; each is named once. */
  newlyBroken(message: SdkMessage): string[] {
    if (message.type !== 'system' || message.subtype !== 'init' || this.#toolsChecked) return []
    this.#toolsChecked = true
    return message.mcp_servers.flatMap(({ name, status }) => (status === 'failed' ? [name] : []))
  }

  /** Model and effort of what is said from now on; undefined is the runtime's own choice. May reject. */
  async configure(model: string | undefined, effort: Effort | undefined): Promise<void> {
    if (model !== this.#model) await this.#query.setModel(model)
    this.#model = model
    if (effort !== this.#effort) await this.#query.applyFlagSettings({ effortLevel: effort ?? null })
    this.#effort = effort
  }

  /** Stops the running turn; false when something that was said would still run afterwards. May reject. */
  async interrupt(): Promise<boolean> {
    const receipt = await this.#query.interrupt()
    return (receipt?.still_queued ?? []).length === 0
  }

  /** Ends the process and all that came from it, at once. Idempotent. */
  kill(): void {
    this.#alive = false
    this.#input.end()
    this.#killTree()
    this.#query.close()
  }

  /** Lets the process leave by itself, for the little it takes, and ends what is left. Idempotent. */
  async close(): Promise<void> {
    this.#alive = false
    this.#input.end()
    await this.#endedWithin(LEAVE_MS)
    this.kill()
    await this.#endedWithin(LEAVE_MS)
  }

  async #endedWithin(ms: number): Promise<void> {
    const timer = new AbortController()
    await Promise.race([this.#ended, rest(this.#parts.clock, ms, timer.signal)])
    timer.abort()
  }

  #killTree(): void {
    const child = this.#child
    // The id of a process that has ended may be another's by now.
    const running = child?.exitCode === null && child.signalCode === null
    killTree(running ? child.pid : undefined, this.#mark)
  }

  async #read(): Promise<void> {
    let how = 'its process ended'
    try {
      for await (const raw of this.#query) {
        const parsed = SdkMessage.safeParse(raw)
        if (!parsed.success) {
          this.#listener?.alive()
          continue
        }
        const message = parsed.data
        if (message.type === 'system' && message.subtype === 'init') this.#id = message.session_id
        this.#listener?.message(message)
      }
    } catch (error) {
      how = errorText(error)
    }
    this.#alive = false
    this.#killTree()
    const stderr = this.#stderr.trim()
    this.#listener?.ended(stderr === '' || how.includes(stderr) ? how : `${how}: ${stderr}`)
  }

  #spawn({ command, args, cwd, env }: SpawnRequest): ChildProcessWithoutNullStreams {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...env, [this.#mark.name]: this.#mark.value },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: a signal to the runner's group is not for it.
      detached: true,
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-MAX_STDERR)
    })
    // A process that is gone while it is written to; its end is reported where it is read.
    child.stdin.on('error', (error) => this.#parts.log('claude_input_lost', { error: errorText(error) }))
    this.#child = child
    return child
  }
}
