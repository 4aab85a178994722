import type { TurnAttachment, TurnEvent } from '@creel/protocol'
import { type Clock, rest } from '../../clock.ts'
import { type EventLog, errorText } from '../../log.ts'
import type { Turn } from '../../provider.ts'
import type { ClaudeSession, SessionListener } from './claude-session.ts'
import { failureOf, failureOfDeath } from './failure.ts'
import { imageBlocks } from './image-blocks.ts'
import { PushQueue } from './push-queue.ts'
import { ReplyMapper } from './reply-mapper.ts'
import type { ResultMessage, RetryMessage, SdkMessage } from './sdk-message.ts'

export interface OpenedSession {
  readonly session: ClaudeSession
  /** Resolves when model and effort are those of the turn. */
  readonly ready: Promise<void>
}

/** How long the runtime may take to stop a turn that is no longer wanted; then its process is ended. */
const STOP_MS = 700
/** Refused requests in a row after which the credential counts as bad: more of them only keep the person waiting. */
const MAX_REFUSED = 2
/** Longest wait for the next try that a turn sits out. */
const MAX_WAIT_MS = 30_000

export interface TurnParts {
  /** The session to run on, made or found when the turn begins; may throw. */
  readonly open: () => OpenedSession
  readonly prompt: string
  /** Has the runtime shorten the conversation instead. */
  readonly compact?: boolean
  readonly attachments?: readonly TurnAttachment[] | undefined
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: EventLog
  readonly onToolServerDown: (name: string) => void
  /** The turn is over and its session free again. */
  readonly onEnd: () => void
}

/**
 * One turn on a session: says the prompt, takes what comes until everything that was said has its result, and stops
 * soon after `signal` aborts.
 */
export class ClaudeTurn implements Turn, SessionListener {
  readonly #parts: TurnParts
  readonly #events = new PushQueue<TurnEvent>()
  readonly #mapper: ReplyMapper
  /** What was said and has no result yet. */
  readonly #unanswered = new Set<string>()
  #session: ClaudeSession | undefined
  #over = false
  #stopping = false

  constructor(parts: TurnParts) {
    this.#parts = parts
    this.#mapper = new ReplyMapper(() => parts.clock.now())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnEvent, void> {
    const onAbort = () => void this.#stop()
    this.#parts.signal.addEventListener('abort', onAbort, { once: true })
    try {
      void this.#begin()
      yield* this.#events
    } finally {
      this.#parts.signal.removeEventListener('abort', onAbort)
      // Left before its end: nobody hears the rest, so nothing of it may run on.
      if (!this.#over) await this.#stop()
    }
  }

  async steer(text: string): Promise<'accepted' | 'too-late'> {
    if (this.#over || this.#stopping || !this.#session?.alive || this.#unanswered.size === 0)
      return 'too-late'
    this.#unanswered.add(this.#session.say(text))
    return 'accepted'
  }

  message(message: SdkMessage): void {
    for (const event of this.#mapper.take(message)) this.#events.push(event)
    for (const name of this.#session?.newlyBroken(message) ?? []) {
      this.#parts.onToolServerDown(name)
      const text = `(The tool server "${name}" could not be started; the agent works without it.)`
      this.#events.push({ type: 'message', text })
    }
    if (message.type === 'result') this.#result(message)
    else if (message.type === 'system' && message.subtype === 'api_retry') this.#retry(message)
  }

  alive(): void {
    this.#events.push({ type: 'activity' })
  }

  ended(error: string): void {
    this.#finish(failureOfDeath(error))
  }

  /** Never rejects. */
  async #begin(): Promise<void> {
    try {
      if (this.#parts.signal.aborted) throw new Error('stopped before it began')
      const { session, ready } = this.#parts.open()
      this.#session = session
      session.listen(this)
      const [images] = await Promise.all([imageBlocks(this.#parts.attachments), ready])
      if (this.#over || this.#stopping) return
      const { compact, prompt } = this.#parts
      this.#unanswered.add(compact ? session.command('/compact') : session.say(prompt, images))
    } catch (error) {
      const stopped = this.#stopping || this.#parts.signal.aborted
      this.#finish(stopped ? { type: 'interrupted' } : failureOfDeath(errorText(error)))
    }
  }

  #result(result: ResultMessage): void {
    // What was pushed while text streamed runs after it, with a result of its own: the last one ends the turn.
    const answered = result.user_message_uuids
    if (answered) for (const uuid of answered) this.#unanswered.delete(uuid)
    else if (result.queued_turn_count === 0) this.#unanswered.clear()
    const end = this.#end(result)
    const failed = end.type === 'failed'
    // What waits behind a failure would run with nobody listening.
    if (failed && (this.#unanswered.size > 0 || end.reason === 'resume-lost')) this.#session?.kill()
    if (failed || this.#unanswered.size === 0) this.#finish(end)
  }

  /** A command that failed calls itself a success, and says so in its text alone. */
  #end(result: ResultMessage): TurnEvent {
    const broken = this.#parts.compact && /^Error\b/.test(result.result ?? '')
    return this.#mapper.end(broken ? { ...result, is_error: true } : result)
  }

  /** The runtime itself would ask for minutes with a bad key, and wait for hours when it is told to. */
  #retry(retry: RetryMessage): void {
    if (this.#over || this.#stopping) return
    const refused = retry.error === 'authentication_failed' && retry.attempt >= MAX_REFUSED
    if (!refused && retry.retry_delay_ms <= MAX_WAIT_MS) return
    const errors = [`the model's API answered ${retry.error_status ?? 'nothing'} (${retry.error})`]
    void this.#stop(failureOf({ ...NO_RESULT, errors }, { apiError: retry.error, lastRetry: retry }))
  }

  /** Stops what runs and ends the turn, within STOP_MS. Never rejects. */
  async #stop(end: TurnEvent = { type: 'interrupted' }): Promise<void> {
    if (this.#over || this.#stopping) return
    this.#stopping = true
    const session = this.#session
    if (session) {
      session.listen(undefined)
      const stopped = await this.#interrupted(session)
      if (!stopped) session.kill()
    }
    this.#finish(end)
  }

  /** True when the runtime has stopped and is free for another turn. */
  async #interrupted(session: ClaudeSession): Promise<boolean> {
    const timer = new AbortController()
    const result = new Promise<boolean>((resolve) => {
      session.listen({
        message: (message) => {
          if (message.type === 'result') resolve(true)
        },
        alive: () => undefined,
        ended: () => resolve(true),
      })
    })
    const late = rest(this.#parts.clock, STOP_MS, timer.signal).then(() => false)
    try {
      const clean = await Promise.race([session.interrupt(), late])
      return clean && (await Promise.race([result, late]))
    } catch (error) {
      this.#parts.log('claude_not_interrupted', { error: errorText(error) })
      return false
    } finally {
      timer.abort()
    }
  }

  #finish(end: TurnEvent): void {
    if (this.#over) return
    this.#over = true
    this.#session?.listen(undefined)
    this.#events.push(end)
    this.#events.end()
    this.#parts.onEnd()
  }
}

const NO_RESULT: ResultMessage = {
  type: 'result',
  subtype: 'error_during_execution',
  is_error: true,
  errors: [],
  queued_turn_count: 0,
  model_usage_since_last_result: {},
}
