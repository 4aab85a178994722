import type { ChatId, GroupName, UserId } from './ids.ts'

/** What the host itself has to say to an agent. */
export interface HostWord {
  readonly chatId: ChatId
  readonly thread: string | undefined
  /** The same key again is the same word. */
  readonly key: string
  /** For whom the agent goes on to work. */
  readonly senderId: UserId
  readonly senderName: string
  readonly text: string
  readonly group: GroupName
  readonly session: string
}
