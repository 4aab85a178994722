import type { UnixMs } from '../ids.ts'

/** Forgets what is old and settled, at most `limit` rows in one short transaction; returns how many went. */
export interface RetentionStore {
  /** Sent or failed before this time. */
  deliveries(before: UnixMs, limit: number): number
  /** Messages that nobody works on any more, with everything noted about them. */
  messages(before: UnixMs, limit: number): number
  /** What the web and terminal chats show. */
  ownChatLines(before: UnixMs, limit: number): number
}
