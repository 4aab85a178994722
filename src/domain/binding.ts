import type { QueueMode } from '@creel/protocol'
import type { ChatId, GroupName } from './ids.ts'
import type { ChatKind } from './message.ts'

export const ENGAGE_MODES = ['mention', 'always', 'pattern', 'sticky'] as const
export const SESSION_MODES = ['shared', 'thread', 'group'] as const
export const SENDER_POLICIES = ['strict', 'ask', 'open'] as const
export const QUEUE_MODES = [
  'steer',
  'follow_up',
  'collect',
  'interrupt',
] as const satisfies readonly QueueMode[]

/** What becomes of a message when many of its conversation wait: queued, given with others as one, or refused. */
export const FULL_POLICIES = ['keep', 'summarise', 'reject'] as const

/** When a message wakes the agent. */
export type EngageMode = (typeof ENGAGE_MODES)[number]
/** Which messages share one conversation: the chat, the thread, or all chats of the group. */
export type SessionMode = (typeof SESSION_MODES)[number]
/** What happens to a sender who has no role: dropped, the owner is asked, or let in. */
export type SenderPolicy = (typeof SENDER_POLICIES)[number]

export type FullPolicy = (typeof FULL_POLICIES)[number]
/** Longest time that a message waits for the next of its sender to come. */
export const MAX_DEBOUNCE_MS = 10_000

/** "This chat is answered by this group." */
export interface Binding {
  readonly id: number
  readonly chatId: ChatId
  readonly group: GroupName
  readonly engage: EngageMode
  /** RE2 syntax, for `pattern`. */
  readonly pattern?: string
  readonly session: SessionMode
  readonly senders: SenderPolicy
  /** What a message does while a turn of its conversation runs. */
  readonly queue: QueueMode
  readonly whenFull: FullPolicy
  /** A message waits so long for more of the same sender and thread, to be answered with it; 0 = not at all. */
  readonly debounceMs: number
}

/**
 * How a new binding queues. In a private chat the next message is one person's second thought and belongs to the answer
 * being written; in a group two people ask two things, and each is to have an answer.
 */
export function usualQueue(kind: ChatKind): QueueMode {
  return kind === 'private' ? 'steer' : 'follow_up'
}
