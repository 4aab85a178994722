import { type FailureReason, MAX_FILES, type OutboxSend, type TurnEvent } from '@creel/protocol'
import type { KeptFile } from './outgoing-files.ts'
import type { Hung } from './phase-watch.ts'
import { phaseText, tail } from './reply-text.ts'
import type { StopReason } from './session-lanes.ts'

/** Messages one turn may send. */
export const MAX_REPLIES = 100

/** Longest progress text: rewritten with every step, so it must stay small. */
export const MAX_PROGRESS_TEXT = 8_000

const MAX_ACTIVITY = 200
const MAX_TOOLS = 30

export interface FailedTurn {
  readonly kind: 'failed'
  readonly reason: FailureReason
  readonly message: string
  readonly retryAfterMs?: number | undefined
  /** The phase that went on for too long. */
  readonly hung?: Hung
  /** The provider broke its own rules. */
  readonly bug?: true
  /** How often it was tried; once when it does not say. */
  readonly tries?: number
}

/** How a turn ended. */
export type TurnEnd =
  | { readonly kind: 'completed'; readonly silent: boolean }
  | FailedTurn
  | { readonly kind: 'stopped'; readonly by: StopReason }

export type Compacted = Extract<TurnEvent, { type: 'compacted' }>
export type Usage = Omit<Extract<TurnEvent, { type: 'usage' }>, 'type'>

/** What a turn has said so far, bounded. */
export class TurnRecord {
  readonly replies: string[] = []
  /** What tools have sent meanwhile; it is in the outbox already. */
  readonly sends: OutboxSend[] = []
  /** Messages past the bound. */
  leftOut = 0
  /** The reply being written, its end only when it is long. */
  draft = ''
  activity: string | undefined
  /** Names of the tools that were used, the last ones, over all tries. */
  readonly tools: string[] = []
  /** Files for the chat, each with how many replies come before it. */
  readonly files: { readonly file: KeptFile; readonly after: number }[] = []
  usage: Usage | undefined
  resumeToken: string | undefined
  /** The runtime has the message. */
  started = false
  /** The runtime has shortened its conversation. */
  compacted: Compacted | undefined

  /** Adds one event; returns the end of the turn when the event is its last. */
  take(event: TurnEvent): TurnEnd | undefined {
    switch (event.type) {
      case 'started':
        this.started = true
        this.resumeToken = event.resumeToken
        return undefined
      case 'activity':
      // Copied first by whoever reads the turn, who then calls `addFile`.
      case 'file':
        return undefined
      case 'tool':
        this.activity = event.phase === 'started' ? event.name.slice(0, MAX_ACTIVITY) : undefined
        if (this.activity !== undefined) this.tools.push(this.activity)
        if (this.tools.length > MAX_TOOLS) this.tools.shift()
        return undefined
      case 'compacted':
        this.compacted = event
        this.activity = undefined
        return undefined
      case 'phase':
        this.activity = phaseText(event.phase)
        return undefined
      case 'delta':
        this.draft = tail(this.draft + event.text, MAX_PROGRESS_TEXT)
        return undefined
      case 'message':
        this.#message(event.text)
        return undefined
      case 'usage':
        this.#addUsage(event)
        return undefined
      case 'completed':
        return { kind: 'completed', silent: event.silent ?? false }
      case 'interrupted':
        return { kind: 'failed', reason: 'other', message: 'the provider interrupted the turn by itself' }
      case 'failed':
        return {
          kind: 'failed',
          reason: event.reason,
          message: event.message,
          retryAfterMs: event.retryAfterMs,
        }
    }
  }

  /** Whether the turn may send one more file. */
  get hasRoomForFile(): boolean {
    return this.files.length < MAX_FILES
  }

  addFile(file: KeptFile): void {
    this.files.push({ file, after: this.replies.length })
  }

  /** A tool has sent this, in this try or in one before. */
  sent(entry: OutboxSend): void {
    if (!this.sends.some(({ key }) => key === entry.key)) this.sends.push(entry)
  }

  /** Begins anew after a try that came to nothing; what is said next comes after `note`, if there is one. */
  startOver(note: string | undefined): void {
    this.draft = ''
    this.activity = undefined
    this.resumeToken = undefined
    this.started = false
    if (note !== undefined) this.replies.push(note)
  }

  #message(text: string): void {
    this.draft = ''
    if (text.trim() === '') return
    if (this.replies.length < MAX_REPLIES) this.replies.push(text)
    else this.leftOut += 1
  }

  /** A turn may ask several models; the last one names it, the sums count all. */
  #addUsage(usage: Usage): void {
    const before = this.usage
    const cacheReadTokens = sum(before?.cacheReadTokens, usage.cacheReadTokens)
    const cacheWriteTokens = sum(before?.cacheWriteTokens, usage.cacheWriteTokens)
    const costUsd = sum(before?.costUsd, usage.costUsd)
    this.usage = {
      model: usage.model,
      inputTokens: (before?.inputTokens ?? 0) + usage.inputTokens,
      outputTokens: (before?.outputTokens ?? 0) + usage.outputTokens,
      ...(cacheReadTokens === undefined ? {} : { cacheReadTokens }),
      ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
      ...(costUsd === undefined ? {} : { costUsd }),
    }
  }
}

/** Undefined only when neither says anything: not reported is not nought. */
function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0)
}
