import * as z from 'zod'
import { InboxAttachment, MAX_FILES } from './files.ts'

/** Position of an entry in its log: starts at 1, grows, never reused. */
export const Seq = z.number().int().positive()

/** A runner's name for a call of its own; with the inbox position that it works on, one of the group. */
export const CallId = z.string().regex(/^[0-9a-zA-Z:_-]{1,100}$/)

/** UTC integer milliseconds. */
export const UnixMs = z.number().int().nonnegative()

export const Speaker = z.object({
  /** Stable platform id with its channel, `telegram:12345`. Display names are never used to decide anything. */
  id: z.string().min(1).max(200),
  name: z.string().max(200),
})

/** A chat message that did not wake the agent, given along as background. */
export const Overheard = z.object({ from: Speaker, text: z.string(), at: UnixMs })

/** Longest quoted text, in UTF-16 units. */
export const MAX_QUOTE = 2_000

/**
 * What becomes of a message while a turn of its session runs: it goes into that turn; it waits for a turn of its own;
 * it waits and shares a turn with the others that wait; or it ends the running turn and is next.
 */
export const QueueMode = z.enum(['steer', 'follow_up', 'collect', 'interrupt'])

/** Another chat that the agent may write to. What it is called there is its members' to change; the name is ours. */
export const Destination = z.object({
  name: z.string().min(1).max(100),
  channel: z.string(),
  kind: z.enum(['private', 'group']),
  title: z.string().max(300),
})

/** One message for the agent: the start of a turn, or more input for a running one. */
export const InboxMessage = z.object({
  type: z.literal('message'),
  /** The conversation it belongs to; turns of one session run one after another. */
  session: z.string().min(1).max(300),
  chat: z.object({
    channel: z.string(),
    kind: z.enum(['private', 'group']),
    title: z.string().max(300),
    thread: z.string().optional(),
  }),
  from: Speaker,
  text: z.string(),
  at: UnixMs,
  /** Oldest first, bounded by the host. */
  context: z.array(Overheard).default([]),
  /** The message that this one answers, when the person pointed at one: its author as shown, and its text. */
  quote: z.object({ name: z.string().max(200), text: z.string().max(MAX_QUOTE) }).optional(),
  /** Chosen for this conversation; in place of the group's own. */
  model: z.string().min(1).max(100).optional(),
  effort: z.string().min(1).max(50).optional(),
  /** What who spoke is to this agent, by the host's own tables; absent for anybody else, and for the host itself. */
  role: z.enum(['owner', 'admin', 'member']).optional(),
  /** Asked of the runtime or the runner itself, in the order of its session; `text` is what the person typed. */
  command: z.enum(['compact', 'memory']).optional(),
  /**
   * It is a task that is due. Its script is run first, and may leave the agent asleep; whether to say anything is the
   * agent's choice, in a private chat too.
   */
  task: z
    .object({
      id: Seq,
      script: z.string().max(10_000).optional(),
      timeoutS: z.number().int().min(1).max(600).optional(),
    })
    .optional(),
  /** `follow_up` when absent. */
  queue: QueueMode.optional(),
  /** Messages of one number share a turn when they wait together, whatever their mode. */
  bundle: Seq.optional(),
  /** Where the agent may write to in this turn besides the chat of the message. A word to the agent, not a permission. */
  destinations: z.array(Destination).max(50).optional(),
  /** From the host itself: what became of earlier answers in this conversation. */
  notes: z.array(z.string().max(2_000)).max(20).optional(),
  /** Files that came with it. One that could not be had is a line of `text` instead. */
  attachments: z.array(InboxAttachment).max(MAX_FILES).default([]),
})

/** The host has taken everything up to `outboxSeq` into its own tables: the runner may prune. */
export const InboxAcked = z.object({ type: z.literal('acked'), outboxSeq: Seq })

/** Stop the turn of this message, or drop it when it has not begun. It settles as `cancelled`. */
export const InboxCancel = z.object({ type: z.literal('cancel'), inboxSeq: Seq })

/** An outbox entry reached the platform under this id. */
export const InboxDelivered = z.object({
  type: z.literal('delivered'),
  outboxSeq: Seq,
  platformMessageId: z.string(),
})

/** Longest answer to a call, in UTF-16 units. */
export const MAX_CALL_RESULT = 60_000

/** What became of a call: what was asked for (text, or JSON), or, when not `ok`, why not and what to do about it. */
export const InboxResult = z.object({
  type: z.literal('result'),
  inboxSeq: Seq,
  callId: CallId,
  ok: z.boolean(),
  text: z.string().max(MAX_CALL_RESULT),
})

/** Everything the host can write. A new member: add it here and to the fixtures, see CONTRIBUTING.md. */
export const InboxEntry = z.discriminatedUnion('type', [
  InboxMessage,
  InboxAcked,
  InboxCancel,
  InboxDelivered,
  InboxResult,
])

export type Speaker = z.infer<typeof Speaker>
export type Destination = z.infer<typeof Destination>
export type Overheard = z.infer<typeof Overheard>
export type QueueMode = z.infer<typeof QueueMode>
export type InboxMessage = z.infer<typeof InboxMessage>
export type InboxResult = z.infer<typeof InboxResult>
export type InboxEntry = z.infer<typeof InboxEntry>
