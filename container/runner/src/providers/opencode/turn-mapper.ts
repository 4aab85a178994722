import type { TurnEvent } from '@creel/protocol'
import { isNarration } from '../../narration.ts'
import { failureOf } from './failure.ts'
import type { AssistantMessage, Part, ServerEvent, WireError } from './wire.ts'

const ACTIVITY: TurnEvent = { type: 'activity' }

/** What one assistant message has said so far. */
interface Draft {
  /** Texts in the order they began. An unfinished one of a broken try stays empty. */
  readonly texts: Map<string, { seen: string; whole: string | undefined }>
  /** Shown of a try that broke; the next one says it again from the start. */
  replay: string
  /** As last told. */
  message: AssistantMessage | undefined
  reported: boolean
}

/**
 * Turns the server's events into those of one turn. Every event may come twice, so a stored history can be played
 * over what a lost stream has told, and shows its subject as it is when it is sent, not as it was when it happened: a
 * message may look finished before its parts have come. The order, however, holds. The server ends a run, not a prompt: `session.idle` comes twice after a failure,
 * once for two prompts, and late from an earlier turn. So nothing counts before our own message was seen, and idle is
 * the end only when our newest prompt has its answer.
 */
export class TurnMapper {
  readonly #session: string
  readonly #first: string
  readonly #now: () => number
  readonly #children = new Set<string>()
  readonly #drafts = new Map<string, Draft>()
  readonly #tools = new Map<string, 'running' | 'ended'>()
  #newest: string
  #begun = false
  #last: AssistantMessage | undefined
  #error: WireError | undefined
  #doubtful = false

  constructor(session: string, prompt: string, now: () => number) {
    this.#session = session
    this.#first = prompt
    this.#newest = prompt
    this.#now = now
  }

  /** Whether the server went idle, since last asked, while our newest prompt has no answer: worth a closer look. */
  takeDoubt(): boolean {
    const doubtful = this.#doubtful
    this.#doubtful = false
    return doubtful
  }

  /** One more prompt belongs to this turn. Call it before the prompt is sent. */
  expect(prompt: string): void {
    this.#newest = prompt
  }

  /** The server did not take this prompt after all; `before` was the newest one. */
  forget(prompt: string, before: string): void {
    if (this.#newest === prompt) this.#newest = before
  }

  get newest(): string {
    return this.#newest
  }

  /** Maps one event; the last one returned ends the turn when it is `completed` or `failed`. */
  take(event: ServerEvent): TurnEvent[] {
    if (event.type === 'connected') return []
    if (
      event.type === 'session-created' &&
      (event.parent === this.#session || this.#children.has(event.parent))
    ) {
      this.#children.add(event.session)
      return [ACTIVITY]
    }
    if (this.#children.has(event.session)) return this.#ofChild(event)
    if (event.session !== this.#session) return []
    if (!this.#begun) {
      this.#begun = event.type === 'user-message' && event.id === this.#first
      return this.#begun ? [ACTIVITY] : []
    }
    return this.#ofOwn(event)
  }

  /** The end when the server stays idle without an answer. */
  giveUp(): TurnEvent {
    const error = this.#last?.error ?? this.#error
    if (error) return failureOf(error, this.#now())
    return { type: 'failed', reason: 'other', message: 'opencode went idle without an answer' }
  }

  #ofOwn(event: ServerEvent): TurnEvent[] {
    switch (event.type) {
      case 'assistant-message':
        return event.message.id < this.#first ? [] : this.#message(event.message)
      case 'part':
        return this.#part(event.part)
      case 'delta':
        return this.#delta(event.message, event.part, event.text)
      case 'retry':
        this.#tryAgain()
        return [{ type: 'phase', phase: 'waiting', untilMs: event.nextAt }]
      case 'error':
        this.#error = event.error
        return [ACTIVITY]
      case 'idle':
        return this.#idle()
      default:
        return [ACTIVITY]
    }
  }

  /** A subagent: its cost counts, its words are its parent's business. */
  #ofChild(event: ServerEvent): TurnEvent[] {
    if (event.type !== 'assistant-message' || !event.message.completed) return [ACTIVITY]
    const draft = this.#draft(event.message.id)
    if (draft.reported) return [ACTIVITY]
    draft.reported = true
    return usageOf(event.message)
  }

  #message(message: AssistantMessage): TurnEvent[] {
    const before = this.#last
    const draft = this.#draft(message.id)
    const known = draft.message
    draft.message = message
    if (before === undefined || message.id >= before.id) this.#last = message
    // All parts of a message come before the next message.
    const next = before !== undefined && message.id > before.id
    const told = message.internal ? compactionOf(message, known) : ACTIVITY
    return next ? [...this.#report(before.id), told] : [told]
  }

  /** What a finished message has to say and what it cost; once. */
  #report(id: string): TurnEvent[] {
    const draft = this.#draft(id)
    const { message } = draft
    if (!message?.completed || draft.reported) return []
    draft.reported = true
    const text = [...draft.texts.values()].flatMap(({ whole }) => whole || []).join('\n\n')
    const whole = message.finish === 'tool-calls' ? !isNarration(text) : message.finish !== undefined
    const says = whole && !message.internal && !message.error && text.trim() !== ''
    return [...usageOf(message), ...(says ? [{ type: 'message', text } as const] : [])]
  }

  #part(part: Part): TurnEvent[] {
    if (part.kind === 'tool') return this.#tool(part)
    // A part of our own prompt is a text as well.
    if (part.kind !== 'text' || part.synthetic || !this.#drafts.has(part.message)) return [ACTIVITY]
    const { texts } = this.#draft(part.message)
    const known = texts.get(part.id) ?? { seen: '', whole: undefined }
    texts.set(part.id, { seen: known.seen, whole: part.ended ? part.text : known.whole })
    return [ACTIVITY]
  }

  #tool(part: Part): TurnEvent[] {
    const before = this.#tools.get(part.id)
    if (part.state === 'running' && before === undefined) {
      this.#tools.set(part.id, 'running')
      return [{ type: 'tool', phase: 'started', name: part.tool }]
    }
    const over = part.state === 'completed' || part.state === 'error'
    if (!over || before === 'ended') return [ACTIVITY]
    this.#tools.set(part.id, 'ended')
    const started: TurnEvent = { type: 'tool', phase: 'started', name: part.tool }
    return [...(before ? [] : [started]), { type: 'tool', phase: 'ended', name: part.tool }]
  }

  #delta(message: string, part: string, more: string): TurnEvent[] {
    const draft = this.#drafts.get(message)
    const text = draft?.texts.get(part)
    // Not a text that was announced: the model's thinking, or a part of before a gap in the stream.
    if (!draft || !text || draft.message?.internal) return [ACTIVITY]
    text.seen += more
    if (draft.replay === '') return [{ type: 'delta', text: more }]
    if (draft.replay.startsWith(text.seen)) return [ACTIVITY]
    const fresh = text.seen.startsWith(draft.replay) ? text.seen.slice(draft.replay.length) : `\n${text.seen}`
    draft.replay = ''
    return [{ type: 'delta', text: fresh }]
  }

  /** The stream of the model broke: the next try writes the unfinished texts again, as new parts. */
  #tryAgain(): void {
    const draft = this.#last && this.#drafts.get(this.#last.id)
    if (!draft) return
    for (const [id, { seen, whole }] of draft.texts) {
      if (whole !== undefined) continue
      if (seen.length > draft.replay.length) draft.replay = seen
      draft.texts.delete(id)
    }
  }

  #idle(): TurnEvent[] {
    const last = this.#last
    if (last?.completed && last.parent >= this.#newest) {
      const said = [...this.#drafts.keys()].sort().flatMap((id) => this.#report(id))
      return [...said, last.error || last.finish === undefined ? this.giveUp() : { type: 'completed' }]
    }
    if (last === undefined && this.#error) return [this.giveUp()]
    this.#doubtful = true
    return [ACTIVITY]
  }

  #draft(message: string): Draft {
    const known = this.#drafts.get(message)
    if (known) return known
    const draft: Draft = { texts: new Map(), replay: '', message: undefined, reported: false }
    this.#drafts.set(message, draft)
    return draft
  }
}

/** The server shortens the session by itself when it gets too long: a message that begins, and one that is complete. */
function compactionOf(message: AssistantMessage, known: AssistantMessage | undefined): TurnEvent {
  if (known === undefined && !message.completed) return { type: 'phase', phase: 'compacting' }
  return message.completed && !known?.completed && !message.error ? { type: 'compacted' } : ACTIVITY
}

/** What a message cost; nothing when the server does not say. */
export function usageOf({ model, tokens, costUsd }: AssistantMessage): TurnEvent[] {
  if (tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite === 0) return []
  return [
    {
      type: 'usage',
      model,
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      cacheReadTokens: tokens.cacheRead,
      cacheWriteTokens: tokens.cacheWrite,
      costUsd,
    },
  ]
}
