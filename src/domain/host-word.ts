import type { ChatId, GroupName, InboundId, UserId } from './ids.ts'
import type { Quote } from './message.ts'

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
  /** It goes on with what came of this message. */
  readonly after?: InboundId
  /** Set when the words are those of another agent. */
  readonly fromAgent?: string
  readonly quote?: Quote
}
