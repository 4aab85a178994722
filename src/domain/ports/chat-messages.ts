import type { ChatId, DeliveryId, GroupName, InboundId, UnixMs } from '../ids.ts'
import type { ChatAddress } from '../message.ts'
import type { DeliveryState } from './stores.ts'

/** A message that an agent sent, by its first part. */
export interface OwnMessage {
  readonly id: DeliveryId
  readonly chatId: ChatId
  readonly address: ChatAddress
  readonly state: DeliveryState
  readonly reason: string | null
  /** Null while it is not sent. */
  readonly platformMessageId: string | null
  /** It is, or is sent with, a file. */
  readonly file: boolean
  /** It became more than one message of the platform. */
  readonly inParts: boolean
}

/** One message of a chat. `part` of an agent's own is in the encoding of its channel. */
export type PastMessage = { readonly at: UnixMs } & (
  | { readonly by: 'person'; readonly senderId: string; readonly senderName: string; readonly text: string }
  | { readonly by: 'agent'; readonly id: DeliveryId; readonly part: string; readonly file: boolean }
)

/** Messages of chats, both ways, for agents that look back or change what they said. */
export interface ChatMessages {
  /**
   * What this group sent as an answer, by a tool or as a card, under the name that the runner gave it or as `d` and
   * its number; null for anything else, also for what the host itself said.
   */
  find(group: GroupName, handle: string): OwnMessage | null
  /** It was changed on its platform. Relaxed: the platform has it. */
  changed(id: DeliveryId, part: string): void
  /** The delivery of this key; null when there is none. */
  idOf(key: string): DeliveryId | null
  /** Cards that this turn has sent. */
  cardsOf(group: GroupName, inboxSeq: number): number
  /** The platform's id of what a person wrote; null for a word of the host. */
  platformIdOf(id: InboundId): string | null
  /**
   * The newest of one chat and thread before this time, newest first: of people whom the group listens to now, and of
   * the group itself. Only the last few thousand are looked at.
   */
  past(query: {
    group: GroupName
    chatId: ChatId
    thread: string | undefined
    before: UnixMs
    limit: number
  }): readonly PastMessage[]
}
