import type { ChatId, DeliveryId, GroupName, InboundId, UnixMs, UserId } from '../ids.ts'
import type { ChatRow, DeliveryState } from './stores.ts'

/** Which deliveries are meant; what is left out does not narrow. */
export interface DeliveryFilter {
  readonly ids?: readonly DeliveryId[]
  readonly chatId?: ChatId
  readonly state?: DeliveryState
  /** Made before this time. */
  readonly before?: UnixMs
}

/** One delivery for a person: everything but what it says. */
export interface DeliveryLine {
  readonly id: DeliveryId
  readonly chat: ChatRow
  readonly group: GroupName | null
  readonly state: DeliveryState
  readonly ambiguous: boolean
  readonly attempts: number
  readonly reason: string | null
  readonly createdAt: UnixMs
  readonly notBefore: UnixMs
  readonly sentAt: UnixMs | null
}

/** Looks into the delivery table and mends it by hand. */
export interface DeliveryLog {
  /** Newest first. */
  list(filter: DeliveryFilter, limit: number): readonly DeliveryLine[]
  /** Failed ones go back into their chat's queue, with all their tries before them. Returns the chats they are of. */
  retry(filter: DeliveryFilter, at: UnixMs): readonly ChatId[]
  /** What has not been sent is given up; one that is being sent right now is left alone. Returns how many. */
  drop(filter: DeliveryFilter, reason: string): number
}

export type TurnState = 'waiting' | 'in-inbox' | 'running' | 'done' | 'failed' | 'cancelled'

/** One message on its way through one agent. */
export interface TurnLine {
  readonly id: InboundId
  readonly group: GroupName
  readonly chat: ChatRow
  readonly session: string
  readonly sender: UserId
  readonly state: TurnState
  readonly attempts: number
  /** How often an operator gave it another chance. */
  readonly retries: number
  readonly reason: string | null
  readonly receivedAt: UnixMs
  readonly acceptedAt: UnixMs | null
  readonly settledAt: UnixMs | null
}

/** A message that no agent was given, and why not. */
export interface DroppedLine {
  readonly id: InboundId
  readonly chat: ChatRow
  readonly sender: UserId
  readonly reason: string | null
  readonly receivedAt: UnixMs
}

export interface TurnFilter {
  readonly id?: InboundId
  readonly group?: GroupName
  /** `open` stands for everything that is not settled. */
  readonly state?: 'open' | 'done' | 'failed' | 'cancelled'
}

/** Looks into what agents were given, and gives again what was set aside. */
export interface TurnLog {
  /** Newest first. */
  list(filter: TurnFilter, limit: number): readonly TurnLine[]
  /** Messages that were for no agent, or ended before one was chosen; newest first, of the newest 10,000 that came. */
  dropped(limit: number): readonly DroppedLine[]
  /** What was said, and what came of it. */
  details(group: GroupName, id: InboundId): { text: string; deliveries: readonly DeliveryLine[] } | null
  /** A failed or cancelled message is given to its agent once more, as new. False when there is nothing to retry. */
  retry(group: GroupName, id: InboundId): boolean
}
