import type { TurnEvent } from '@creel/protocol'
import { isNarration } from '../../narration.ts'
import { failureOf, isFailure } from './failure.ts'
import type {
  AssistantMessage,
  InitMessage,
  ResultMessage,
  RetryMessage,
  SdkMessage,
  StatusMessage,
  StreamMessage,
  SystemMessage,
  UserEcho,
} from './sdk-message.ts'

/** Author of the texts that the runtime makes up itself, for instance of an API error. */
const MADE_UP = '<synthetic>'

interface Said {
  readonly uuid: string | undefined
  readonly text: string
}

/** One message of the model: what it has said so far. */
interface ModelMessage {
  readonly id: string
  said: Said[]
  /** Streamed and not yet at its end: when another one begins, it was cut off and comes again. */
  open: boolean
  usedTools: boolean
}

/**
 * Turns the SDK's messages of one turn into turn events. A model says something, uses tools and says more; of that a
 * chat gets the last text as the answer, earlier ones while they are said (as deltas) and as messages of their own
 * only when they are more than narration. An empty `message` takes back deltas that are not part of an answer.
 */
export class ReplyMapper {
  readonly #now: () => number
  readonly #tools = new Map<string, string>()
  #message: ModelMessage | undefined
  #started = false
  #drafted = false
  #answered = false
  #narration = ''
  #apiError: string | undefined
  #lastRetry: RetryMessage | undefined
  #compacting = false

  constructor(now: () => number) {
    this.#now = now
  }

  /** The events of one message, `[]` for none; a result gives those up to the end but not the end itself. */
  take(message: SdkMessage): TurnEvent[] {
    switch (message.type) {
      case 'system':
        return this.#system(message)
      case 'stream_event':
        return this.#stream(message)
      case 'assistant':
        return this.#assistant(message)
      case 'user':
        return this.#toolResults(message)
      case 'result':
        return this.#result(message)
    }
  }

  /** How the turn ends with this result. */
  end(result: ResultMessage): TurnEvent {
    if (!isFailure(result)) return { type: 'completed' }
    return failureOf(result, { apiError: this.#apiError, lastRetry: this.#lastRetry })
  }

  #system(message: SystemMessage): TurnEvent[] {
    switch (message.subtype) {
      case 'init':
        return this.#init(message)
      case 'api_retry':
        return this.#retry(message)
      case 'status':
        return this.#status(message)
      case 'compact_boundary': {
        const { pre_tokens, post_tokens } = message.compact_metadata
        return [
          {
            type: 'compacted',
            ...(pre_tokens === undefined ? {} : { beforeTokens: count(pre_tokens) }),
            ...(post_tokens === undefined ? {} : { afterTokens: count(post_tokens) }),
          },
        ]
      }
    }
  }

  #status({ status }: StatusMessage): TurnEvent[] {
    const compacting = status === 'compacting'
    if (compacting === this.#compacting) return [{ type: 'activity' }]
    this.#compacting = compacting
    return [{ type: 'phase', phase: compacting ? 'compacting' : 'model' }]
  }

  #init({ session_id }: InitMessage): TurnEvent[] {
    // Sent again for every run inside a turn.
    if (this.#started) return [{ type: 'activity' }]
    this.#started = true
    return [{ type: 'started', resumeToken: session_id }]
  }

  #retry(message: RetryMessage): TurnEvent[] {
    this.#lastRetry = message
    const untilMs = Math.round(this.#now() + Math.max(0, message.retry_delay_ms))
    return [{ type: 'phase', phase: 'waiting', untilMs }]
  }

  #stream({ event, parent_tool_use_id }: StreamMessage): TurnEvent[] {
    if (parent_tool_use_id != null) return [{ type: 'activity' }]
    if ('message' in event) return [...this.#begin(event.message.id, true), { type: 'activity' }]
    if ('delta' in event) return this.#delta(event.delta.text)
    if ('content_block' in event) {
      const another = event.content_block.type === 'text' && event.index > 0 && this.#drafted
      return another ? this.#delta('\n\n') : [{ type: 'activity' }]
    }
    if (event.type === 'message_stop' && this.#message) this.#message.open = false
    return [{ type: 'activity' }]
  }

  #delta(text: string): TurnEvent[] {
    if (text === '') return [{ type: 'activity' }]
    this.#drafted = true
    return [{ type: 'delta', text }]
  }

  #assistant(message: AssistantMessage): TurnEvent[] {
    if (message.parent_tool_use_id != null) return [{ type: 'activity' }]
    if (message.message.model === MADE_UP || message.error !== undefined) {
      this.#apiError = message.error ?? this.#apiError
      return [{ type: 'activity' }]
    }
    const events: TurnEvent[] = []
    if (this.#message?.id !== message.message.id) events.push(...this.#begin(message.message.id, false))
    const current = this.#message
    if (!current) return events
    current.said = current.said.filter(({ uuid }) => !uuid || !message.supersedes.includes(uuid))
    for (const block of message.message.content) {
      if ('text' in block) {
        current.said.push({ uuid: message.uuid, text: block.text })
      } else if ('name' in block) {
        current.usedTools = true
        this.#tools.set(block.id, block.name)
        events.push({ type: 'tool', phase: 'started', name: block.name })
      }
    }
    return events.length > 0 ? events : [{ type: 'activity' }]
  }

  #toolResults({ message, parent_tool_use_id }: UserEcho): TurnEvent[] {
    if (parent_tool_use_id != null || typeof message.content === 'string') return [{ type: 'activity' }]
    const ended = message.content.flatMap((block): TurnEvent[] => {
      if (!('tool_use_id' in block)) return []
      const name = this.#tools.get(block.tool_use_id)
      this.#tools.delete(block.tool_use_id)
      return name === undefined ? [] : [{ type: 'tool', phase: 'ended', name }]
    })
    return ended.length > 0 ? ended : [{ type: 'activity' }]
  }

  /**
   * Another message of the model begins. The one before was cut off and is said again from its start; or it ended
   * early and is continued, so that both are one answer; or it used tools and is complete.
   */
  #begin(id: string, streamed: boolean): TurnEvent[] {
    const before = this.#message
    const next: ModelMessage = { id, said: [], open: streamed, usedTools: false }
    this.#message = next
    if (!before || before.open) return this.#takeBack()
    if (before.usedTools) return this.#settle(before)
    next.said = before.said
    const events = this.#takeBack()
    const text = textOf(before)
    return text === '' ? events : [...events, ...this.#delta(`${text}\n\n`)]
  }

  #settle(message: ModelMessage): TurnEvent[] {
    const text = textOf(message)
    if (text === '') return this.#takeBack()
    if (message.usedTools && isNarration(text)) {
      this.#narration = text
      return this.#takeBack()
    }
    this.#drafted = false
    this.#answered = true
    return [{ type: 'message', text }]
  }

  #takeBack(): TurnEvent[] {
    if (!this.#drafted) return []
    this.#drafted = false
    return [{ type: 'message', text: '' }]
  }

  #result(result: ResultMessage): TurnEvent[] {
    const last = this.#message
    this.#message = undefined
    const cutOff = !last || last.open || isFailure(result)
    const events = cutOff ? this.#takeBack() : this.#settle(last)
    if (!isFailure(result) && !this.#answered) {
      // A turn may end in a tool call, or with a text that was not streamed.
      const text = (result.result ?? '').trim() || this.#narration
      if (text !== '') events.push({ type: 'message', text })
    }
    this.#answered = false
    this.#narration = ''
    return [...events, ...usageOf(result)]
  }
}

function textOf(message: ModelMessage): string {
  const texts = message.said.map(({ text }) => text.trim())
  return texts.filter((text) => text !== '').join('\n\n')
}

function usageOf(result: ResultMessage): TurnEvent[] {
  const spent = Object.entries(result.model_usage_since_last_result)
  return spent.map(([model, usage]) => ({
    type: 'usage',
    model,
    inputTokens: count(usage.inputTokens),
    outputTokens: count(usage.outputTokens),
    cacheReadTokens: count(usage.cacheReadInputTokens ?? 0),
    cacheWriteTokens: count(usage.cacheCreationInputTokens ?? 0),
    ...(usage.costUSD === undefined ? {} : { costUsd: Math.max(0, usage.costUSD) }),
  }))
}

function count(tokens: number): number {
  return Math.max(0, Math.round(tokens))
}
