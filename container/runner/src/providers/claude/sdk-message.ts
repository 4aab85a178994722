import * as z from 'zod'

/** Top-level messages have none; those of a subagent name the tool call that started it. */
const Parent = z.string().nullish()

const ContentBlock = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string() }),
  z.object({ type: z.literal('tool_result'), tool_use_id: z.string() }),
  z.object({ type: z.string() }),
])

const StreamEvent = z.union([
  z.object({ type: z.literal('message_start'), message: z.object({ id: z.string() }) }),
  z.object({
    type: z.literal('content_block_start'),
    index: z.number(),
    content_block: z.object({ type: z.string() }),
  }),
  z.object({
    type: z.literal('content_block_delta'),
    delta: z.object({ type: z.literal('text_delta'), text: z.string() }),
  }),
  z.object({ type: z.string() }),
])

const ModelUsage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadInputTokens: z.number().optional(),
  cacheCreationInputTokens: z.number().optional(),
  costUSD: z.number().optional(),
})

const Init = z.object({
  type: z.literal('system'),
  subtype: z.literal('init'),
  session_id: z.string(),
  mcp_servers: z.array(z.object({ name: z.string(), status: z.string() })).default([]),
})

const ApiRetry = z.object({
  type: z.literal('system'),
  subtype: z.literal('api_retry'),
  attempt: z.number(),
  retry_delay_ms: z.number(),
  error_status: z.number().nullish(),
  error: z.string().optional(),
})

const Status = z.object({
  type: z.literal('system'),
  subtype: z.literal('status'),
  status: z.string().nullish(),
})

const CompactBoundary = z.object({
  type: z.literal('system'),
  subtype: z.literal('compact_boundary'),
  compact_metadata: z
    .object({ pre_tokens: z.number().optional(), post_tokens: z.number().optional() })
    .default({}),
})

const Stream = z.object({
  type: z.literal('stream_event'),
  parent_tool_use_id: Parent,
  event: StreamEvent,
})

const Assistant = z.object({
  type: z.literal('assistant'),
  parent_tool_use_id: Parent,
  uuid: z.string().optional(),
  error: z.string().optional(),
  supersedes: z.array(z.string()).default([]),
  message: z.object({
    id: z.string(),
    model: z.string().default(''),
    content: z.array(ContentBlock),
  }),
})

const User = z.object({
  type: z.literal('user'),
  parent_tool_use_id: Parent,
  message: z.object({ content: z.union([z.string(), z.array(ContentBlock)]) }),
})

const Result = z.object({
  type: z.literal('result'),
  subtype: z.string(),
  is_error: z.boolean().default(false),
  terminal_reason: z.string().nullish(),
  stop_reason: z.string().nullish(),
  api_error_status: z.number().nullish(),
  result: z.string().optional(),
  errors: z.array(z.string()).default([]),
  user_message_uuids: z.array(z.string()).optional(),
  queued_turn_count: z.number().default(0),
  model_usage_since_last_result: z.record(z.string(), ModelUsage).default({}),
})

/**
 * What the SDK sends, as far as we read it. Anything else parses as nothing and counts as a sign of life: a newer
 * runtime may say more than we know.
 */
export const SdkMessage = z.union([Stream, Assistant, User, Result, Init, ApiRetry, Status, CompactBoundary])

export type SdkMessage = z.infer<typeof SdkMessage>
export type InitMessage = z.infer<typeof Init>
export type AssistantMessage = z.infer<typeof Assistant>
export type UserEcho = z.infer<typeof User>
export type StreamMessage = z.infer<typeof Stream>
export type ResultMessage = z.infer<typeof Result>
export type CompactMessage = z.infer<typeof CompactBoundary>
export type StatusMessage = z.infer<typeof Status>
export type SystemMessage = InitMessage | RetryMessage | StatusMessage | CompactMessage
export type RetryMessage = z.infer<typeof ApiRetry>
