import type { TurnEvent } from '@creel/protocol'
import { tail } from './reply-text.ts'
import type { StopReason } from './session-lanes.ts'

/** Messages one turn may send. */
export const MAX_REPLIES = 100

/** Longest progress text: rewritten with every step, so it must stay small. */
export const MAX_PROGRESS_TEXT = 8_000

const MAX_ACTIVITY = 200

/** How a turn ended. */
export type TurnEnd =
  | { readonly kind: 'completed'; readonly silent: boolean }
  | {
      readonly kind: 'failed'
      readonly reason: Extract<TurnEvent, { type: 'failed' }>['reason']
      readonly message: string
    }
  | { readonly kind: 'stopped'; readonly by: StopReason }

export interface Usage {
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What a turn has said so far, bounded. */
export class TurnRecord {
  readonly replies: string[] = []
  /** Messages past the bound. */
  leftOut = 0
  /** The reply being written, its end only when it is long. */
  draft = ''
  activity: string | undefined
  usage: Usage | undefined
  resumeToken: string | undefined

  /** Adds one event; returns the end of the turn when the event is its last. */
  take(event: TurnEvent): TurnEnd | undefined {
    switch (event.type) {
      case 'started':
        this.resumeToken = event.resumeToken
        return undefined
      case 'activity':
        return undefined
      case 'tool':
        this.activity = event.phase === 'started' ? event.name.slice(0, MAX_ACTIVITY) : undefined
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
        return { kind: 'failed', reason: event.reason, message: event.message }
    }
  }

  #message(text: string): void {
    this.draft = ''
    if (text.trim() === '') return
    if (this.replies.length < MAX_REPLIES) this.replies.push(text)
    else this.leftOut += 1
  }

  #addUsage(usage: Usage): void {
    this.usage = {
      model: usage.model,
      inputTokens: (this.usage?.inputTokens ?? 0) + usage.inputTokens,
      outputTokens: (this.usage?.outputTokens ?? 0) + usage.outputTokens,
    }
  }
}
