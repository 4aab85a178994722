import * as z from 'zod'
import { FileName, type InboxAttachment } from './files.ts'

/** A file that came with the message. `path` is absolute in the sandbox, and read-only. */
export interface TurnAttachment extends Omit<InboxAttachment, 'file'> {
  readonly path: string
}

/** What a provider is asked to do. */
export interface TurnInput {
  readonly session: string
  /** Asks the runtime to shorten its conversation, instead of a message: `text` and `prompt` are not for the model. */
  readonly kind?: 'compact'
  /** The message alone, as the person wrote it. */
  readonly text: string
  /** The message with its context, as the model should see it. */
  readonly prompt: string
  /** 1 for the first try; more when the runner died in an earlier one. */
  readonly attempt: number
  readonly model?: string
  readonly effort?: string
  /** Provider-made token of an earlier turn of this session; a cache, may be stale. */
  readonly resumeToken?: string
  /** Named in `prompt` already, for runtimes that take no files. */
  readonly attachments?: readonly TurnAttachment[]
}

export const FailureReason = z.enum([
  /** The credential is missing, wrong or expired. */
  'auth',
  /** Money or plan used up: waiting a moment does not help. */
  'quota',
  /** Too many requests; `retryAfterMs` says how long to wait, when the model said so. */
  'rate-limited',
  'overloaded',
  /** The conversation is too long for the model. */
  'context-overflow',
  /** The runtime does not know the resume token, or its record of the session is broken. */
  'resume-lost',
  /** The runtime's process died. */
  'crashed',
  'timeout',
  /** The model declined. */
  'refused',
  'other',
])

/** What a turn is doing. `waiting`: for the model's service, which has asked to wait. */
export const TurnPhase = z.enum(['starting', 'resuming', 'compacting', 'model', 'tool', 'waiting'])

const TokenCount = z.number().int().nonnegative()

/** What a provider reports. The last event of a turn is `completed`, `interrupted` or `failed`. */
export const TurnEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('started'), resumeToken: z.string().max(10_000).optional() }),
  /** Any sign of life. */
  z.object({ type: z.literal('activity') }),
  z.object({ type: z.literal('tool'), phase: z.enum(['started', 'ended']), name: z.string() }),
  /**
   * What the runtime does, where the other events do not tell: it shortens the conversation, waits for the model's
   * service (until `untilMs`, UTC), or is back at the model. Ends with the next event that is no `activity`.
   */
  z.object({
    type: z.literal('phase'),
    phase: TurnPhase.extract(['model', 'compacting', 'waiting']),
    untilMs: z.number().int().nonnegative().optional(),
  }),
  /** The runtime has shortened its conversation, by itself or because it was asked to. */
  z.object({
    type: z.literal('compacted'),
    beforeTokens: TokenCount.optional(),
    afterTokens: TokenCount.optional(),
  }),
  /** More of the reply being written; shown as progress. */
  z.object({ type: z.literal('delta'), text: z.string() }),
  /** One whole message for the chat; takes the place of the deltas since the last one. */
  z.object({ type: z.literal('message'), text: z.string() }),
  /** Something that the runtime made for the chat; copied before the next event is asked for. */
  z.object({
    type: z.literal('file'),
    path: z.string().min(1).max(4_096),
    name: FileName.optional(),
    caption: z.string().optional(),
  }),
  /** Disjoint counts: `inputTokens` without what was read from or written to the cache. */
  z.object({
    type: z.literal('usage'),
    model: z.string(),
    inputTokens: TokenCount,
    outputTokens: TokenCount,
    cacheReadTokens: TokenCount.optional(),
    cacheWriteTokens: TokenCount.optional(),
    /** As the provider reported it. */
    costUsd: z.number().nonnegative().optional(),
  }),
  /** `silent`: the provider said nothing on purpose; without it an empty turn is reported to the user. */
  z.object({ type: z.literal('completed'), silent: z.boolean().optional() }),
  z.object({ type: z.literal('interrupted') }),
  z.object({
    type: z.literal('failed'),
    reason: FailureReason,
    /** For the log and the operator; the user gets a sentence of ours. */
    message: z.string(),
    retryAfterMs: z.number().int().nonnegative().optional(),
  }),
])

export type FailureReason = z.infer<typeof FailureReason>
export type TurnPhase = z.infer<typeof TurnPhase>
export type TurnEvent = z.infer<typeof TurnEvent>
