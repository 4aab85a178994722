import type { Aside } from '../aside.ts'
import type { ChatId, GroupName, InboundId, UnixMs, UserId } from '../ids.ts'
import type { InboundRow } from './stores.ts'

/** Messages of one conversation and place that wait to be given as one. */
export interface WaitingSummary {
  readonly session: string
  /** The newest of them: it will stand for all. */
  readonly carrier: InboundId
  readonly count: number
  /** When the first of them was said. */
  readonly since: UnixMs
}

export interface PastMessage {
  readonly senderId: UserId
  readonly sentAt: UnixMs
  readonly receivedAt: UnixMs
}

/** What waits for the router and for agents, and what was set aside: the view that bounds need. */
export interface WaitingStore {
  /** The messages of a chat that wait for the router behind this one, oldest first. */
  newAfter(message: InboundRow, limit: number): readonly InboundRow[]
  /** The messages of a chat that wait for the router before this one, oldest first. */
  newBefore(message: InboundRow, limit: number): readonly InboundRow[]
  /** It was no word to the host after all: it waits its turn. */
  notUrgent(id: InboundId): void
  /** Drops what waits for the router in a chat and came before `id`, words to the host excepted. Returns how many. */
  dropNew(chatId: ChatId, before: InboundId, reason: string): number
  /** Messages of the chat before this one that were for an agent, and not too old, among the newest `limit`; oldest first. */
  saidBefore(message: InboundRow, limit: number): readonly PastMessage[]
  /** How many messages of a chat, received since then, were too old to be answered. */
  tooOldSince(chatId: ChatId, since: UnixMs): number
  /** The message of a channel's account that was received last. */
  lastOf(channel: string, account: string): PastMessage | null
  /** How many messages of a conversation are not settled, those that wait for a summary excepted; at most `limit`. */
  waitingIn(group: GroupName, session: string, limit: number): number
  /** Why the newest message of a conversation was set aside; null when it was not. */
  lastAside(group: GroupName, session: string): Aside | null
  /** What waits to be given as one, by conversation, chat and thread. */
  summaries(group: GroupName): readonly WaitingSummary[]
  /** The carrier waits as an ordinary message from now on; the others are settled, as part of it. Relaxed. */
  summarised(group: GroupName, summary: WaitingSummary, at: UnixMs): void
}
