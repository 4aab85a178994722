import type { TurnEvent } from '@creel/protocol'
import * as z from 'zod'
import { failureOf, TurnError } from './failure.ts'
import { toolName } from './tool-name.ts'

const Item = z.looseObject({ type: z.string(), id: z.string() })
const SavedImage = z.object({ savedPath: z.string().min(1).max(4_096) })
const ItemReport = z.object({ turnId: z.string(), item: Item })
const AgentMessage = z.object({ text: z.string(), phase: z.string().nullish() })
const Delta = z.object({ turnId: z.string(), itemId: z.string(), delta: z.string() })
const Count = z.number().int().nonnegative().catch(0)
const Tokens = z.object({
  inputTokens: Count,
  cachedInputTokens: Count,
  cacheWriteInputTokens: Count,
  outputTokens: Count,
})
const Usage = z.object({ turnId: z.string(), tokenUsage: z.object({ last: Tokens }) })
const Retry = z.object({ turnId: z.string(), willRetry: z.boolean() })
const TurnEnd = z.object({
  turn: z.object({
    id: z.string(),
    status: z.string(),
    error: TurnError.nullish(),
    items: z.array(z.unknown()).catch([]),
  }),
})
const OfTurn = z.object({ turnId: z.string() })

/**
 * Makes turn events of what app-server reports of one turn; reports of other turns are passed over. It may report a
 * reply's beginning twice (a stream that was cut, a steered turn) and a tool's end never (an interrupt).
 */
export class TurnMapper {
  readonly #turnId: string
  readonly #model: string
  readonly #openTools = new Map<string, string>()
  /** The message whose deltas are the draft. */
  #draftOf: string | undefined
  #said: string | undefined
  /** The last words that were only a comment on the work, in case nothing better comes. */
  #comment: string | undefined
  readonly #compacts: boolean
  #usageSeen = false
  #mayRepeat = false
  #over = false

  /** `compacts`: a turn that shortens the thread and does nothing else. */
  constructor(turnId: string, model: string, compacts = false) {
    this.#turnId = turnId
    this.#compacts = compacts
    this.#model = model
  }

  /** Whether the last event has been given. */
  get over(): boolean {
    return this.#over
  }

  take(method: string, params: unknown): TurnEvent[] {
    if (this.#over) return []
    switch (method) {
      case 'item/started':
        return this.#itemStarted(params)
      case 'item/completed':
        return this.#itemCompleted(params)
      case 'item/agentMessage/delta':
        return this.#delta(params)
      case 'thread/tokenUsage/updated':
        return this.#usage(params)
      case 'turn/completed':
        return this.#completed(params)
      case 'error':
        return this.#error(params)
    }
    const of = OfTurn.safeParse(params)
    return of.success && of.data.turnId === this.#turnId ? [{ type: 'activity' }] : []
  }

  /** The tools that were running when the turn ended in another way than by a report. */
  closeTools(): TurnEvent[] {
    const names = [...this.#openTools.values()]
    this.#openTools.clear()
    return names.map((name) => ({ type: 'tool', phase: 'ended', name }))
  }

  /** It tries again by itself, after a wait of which it does not say how long it is. */
  #error(params: unknown): TurnEvent[] {
    const retry = Retry.safeParse(params)
    if (!retry.success || retry.data.turnId !== this.#turnId) return []
    this.#mayRepeat = retry.data.willRetry
    return [retry.data.willRetry ? { type: 'phase', phase: 'waiting' } : { type: 'activity' }]
  }

  #itemStarted(params: unknown): TurnEvent[] {
    const item = this.#item(params)
    if (!item) return []
    if (item.type === 'contextCompaction') return [{ type: 'phase', phase: 'compacting' }]
    const name = toolName(item)
    if (name === undefined) return [{ type: 'activity' }]
    this.#openTools.set(item.id, name)
    return [{ type: 'tool', phase: 'started', name }]
  }

  #itemCompleted(params: unknown): TurnEvent[] {
    const item = this.#item(params)
    if (!item) return []
    if (item.type === 'agentMessage') return this.#message(item)
    if (item.type === 'contextCompaction') return [{ type: 'compacted' }]
    const name = this.#openTools.get(item.id)
    if (name === undefined) return [{ type: 'activity' }]
    this.#openTools.delete(item.id)
    return [{ type: 'tool', phase: 'ended', name }, ...generatedImage(item)]
  }

  #message(item: z.infer<typeof Item>): TurnEvent[] {
    const message = AgentMessage.safeParse(item)
    if (!message.success) return [{ type: 'activity' }]
    const { text, phase } = message.data
    if (phase === 'commentary') {
      this.#comment = text
      return [{ type: 'activity' }]
    }
    this.#draftOf = undefined
    // A reply that was whole when its stream was cut is asked for once more.
    const repeated = this.#mayRepeat && text === this.#said
    this.#mayRepeat = false
    if (repeated) return withdrawn()
    this.#said = text
    return [{ type: 'message', text }]
  }

  #delta(params: unknown): TurnEvent[] {
    const delta = Delta.safeParse(params)
    if (!delta.success || delta.data.turnId !== this.#turnId || delta.data.delta === '') return []
    const { itemId, delta: text } = delta.data
    // Another message while one was being written: that one is dropped, or was a comment.
    const events = this.#draftOf !== undefined && this.#draftOf !== itemId ? withdrawn() : []
    this.#draftOf = itemId
    return [...events, { type: 'delta', text }]
  }

  #usage(params: unknown): TurnEvent[] {
    const usage = Usage.safeParse(params)
    if (!usage.success || usage.data.turnId !== this.#turnId) return []
    // A turn that shortens the thread begins by telling of the turn before once more.
    if (this.#compacts && !this.#usageSeen) {
      this.#usageSeen = true
      return [{ type: 'activity' }]
    }
    // Of the last request alone, so the sum is the turn's. There, the input includes what was read from the cache
    // and what was written to it.
    const { inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens } = usage.data.tokenUsage.last
    return [
      {
        type: 'usage',
        model: this.#model,
        inputTokens: Math.max(0, inputTokens - cachedInputTokens - cacheWriteInputTokens),
        outputTokens,
        cacheReadTokens: cachedInputTokens,
        cacheWriteTokens: cacheWriteInputTokens,
      },
    ]
  }

  #completed(params: unknown): TurnEvent[] {
    const end = TurnEnd.safeParse(params)
    if (!end.success || end.data.turn.id !== this.#turnId) return []
    const { status, error, items } = end.data.turn
    this.#over = true
    const tools = this.closeTools()
    if (status === 'interrupted') return [...tools, { type: 'interrupted' }]
    if (status !== 'completed') return [...tools, failureOf(error)]
    return [...tools, ...this.#lastWords(items), { type: 'completed' }]
  }

  /** A turn that only commented on its work, or whose reply never was reported as done, still says something. */
  #lastWords(items: readonly unknown[]): TurnEvent[] {
    if (this.#said !== undefined) return []
    const reported = items.flatMap((item) => AgentMessage.safeParse(item).data?.text ?? []).at(-1)
    const text = reported ?? this.#comment ?? ''
    return text === '' ? [] : [{ type: 'message', text }]
  }

  #item(params: unknown): z.infer<typeof Item> | undefined {
    const report = ItemReport.safeParse(params)
    return report.success && report.data.turnId === this.#turnId ? report.data.item : undefined
  }
}

/** An image that the model made lies in codex's home; it belongs to the answer. */
function generatedImage(item: z.infer<typeof Item>): TurnEvent[] {
  if (item.type !== 'imageGeneration') return []
  const path = SavedImage.safeParse(item).data?.savedPath
  return path === undefined ? [] : [{ type: 'file', path, name: 'image.png' }]
}

/** An empty message takes the place of the deltas before it, and says nothing. */
function withdrawn(): TurnEvent[] {
  return [{ type: 'message', text: '' }]
}
