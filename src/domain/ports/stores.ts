import type { Overheard } from '@creel/protocol'
import type { NewApproval } from '../approval.ts'
import type { Aside } from '../aside.ts'
import type { NewHostCall } from '../host-call.ts'
import type { HostWord } from '../host-word.ts'
import type { ChatId, DeliveryId, GroupName, InboundId, UnixMs, UserId } from '../ids.ts'
import type { ChatAddress, ChatKind, InboundMessage, Quote } from '../message.ts'
import type { ChatRow } from './directory.ts'
import type { NewUsage } from './usage.ts'

export type { BindingSettings, ChatRow, DirectoryStore } from './directory.ts'
export type { Role, RoleStore } from './roles.ts'

/**
 * All stores share one database; every write below is one transaction. It is synced unless its comment says
 * relaxed: such a step may be undone by a power cut (never by a kill) and is then found out and done again.
 */

export type InboundState =
  /** Waits for the router. */
  | 'new'
  /** Given to at least one group. */
  | 'routed'
  /** Did not engage anybody; kept as context. */
  | 'heard'
  /** Waits for the owner to let the chat or the sender in. */
  | 'held'
  /** Will never be answered; `reason` says why. */
  | 'dropped'

export interface InboundRow {
  readonly id: InboundId
  readonly chatId: ChatId
  readonly address: ChatAddress
  readonly chatKind: ChatKind
  readonly chatTitle: string
  readonly senderId: UserId
  readonly senderName: string
  readonly senderIsBot: boolean
  readonly text: string
  readonly mentionsUs: boolean
  readonly sentAt: UnixMs
  readonly receivedAt: UnixMs
  readonly state: InboundState
  readonly reason: string | null
  readonly quote?: Quote
  /** Not to be routed before: more of its album may come. */
  readonly gatherUntil: UnixMs
  /** The host's own words to one agent; the sender is whose turn it goes on with. */
  readonly fromHost?: true
  /** Another agent's words; set with `fromHost`. */
  readonly fromAgent?: string
  /** How long it had been on its way when its channel, silent until then, handed it over; 0 = it came at once. */
  readonly lateMs: number
  /** It looks like a word to the host itself, which does not wait for the messages before it. */
  readonly urgent: boolean
}

/** What a person asks of the runtime or of the runner itself, and not of the model. */
export type RunnerCommand = 'compact' | 'memory'

/** One group that is to get a message, decided by the router. */
export interface DispatchPlan {
  readonly group: GroupName
  readonly session: string
  /** Keep this binding's thread open for messages without a mention. */
  readonly openSticky?: { readonly bindingId: number }
  readonly command?: RunnerCommand
  /** Shares a turn with the others of this number that wait with it. */
  readonly bundle?: InboundId
  /** All but a summary are settled at once, with the reason. */
  readonly aside?: { readonly kind: Aside; readonly reason: string }
}

export interface InboundStore {
  /**
   * Durable when it returns (I1). The same platform message again changes nothing (I2). One that was edited replaces
   * its text while no agent has been given it, and is a new message afterwards.
   */
  record(message: InboundMessage, at: UnixMs): 'new' | 'duplicate'
  /** All that `work` records is one commit, durable when this returns; when it throws nothing of it was recorded. */
  together<T>(work: () => T): T
  /** Gives a word of the host to one agent, in the order of its conversation, without routing. Idempotent by its key. */
  tell(word: HostWord, at: UnixMs): 'new' | 'duplicate'
  /** The chat of an address that a message was recorded from; null when there was none yet. */
  chatOf(address: ChatAddress): ChatId | null
  /** Chats that have messages waiting for the router. */
  chatsWithNew(): readonly ChatId[]
  /** The oldest waiting message of a chat; an urgent one comes before the others. */
  nextNew(chatId: ChatId): InboundRow | null
  /** Ends routing of one message; writes its dispatches in the same transaction. Relaxed. */
  routed(
    id: InboundId,
    state: Exclude<InboundState, 'new'>,
    reason: string | null,
    plans: readonly DispatchPlan[],
    at: UnixMs,
  ): void
  /**
   * Messages of the chat (of the thread, with `perThread`) that the group has not been given, older than `row` and
   * newer than the last one it was given there and than `since`, from people whom the group listens to now; the
   * newest `limit`, oldest first.
   */
  overheard(
    group: GroupName,
    row: InboundRow,
    perThread: boolean,
    limit: number,
    since?: InboundId | null,
  ): readonly Overheard[]
  /** Held messages go back to the router: of one chat, or of one sender in all chats. Returns how many. */
  release(of: { chatId: ChatId } | { senderId: UserId }): number
  /** Held messages are dropped for good. Returns how many. */
  dropHeld(of: { chatId: ChatId } | { senderId: UserId }, reason: string): number
  /** How many messages of a chat are held. */
  heldIn(chatId: ChatId): number
  /** Held messages, oldest first. */
  held(): readonly InboundRow[]
  find(id: InboundId): InboundRow | null
}

export interface PendingDispatch {
  readonly inboundId: InboundId
  readonly session: string
  readonly command: RunnerCommand | null
  /** How often an operator gave it again: each time it is another entry of the inbox. */
  readonly retries: number
  readonly bundle: InboundId | null
  /** It stands for so many more before it, said since then. */
  readonly standsFor: number
  readonly standsSince: UnixMs
}

export interface PlacedMessage {
  readonly inboundId: InboundId
  readonly inboxSeq: number
  /** Failed deliveries that the entry tells of. */
  readonly told: readonly DeliveryId[]
}

export interface OpenDispatch {
  readonly inboxSeq: number
  readonly inboundId: InboundId
  /** When the runner last said that it began; null before. */
  readonly acceptedAt: UnixMs | null
  readonly attempts: number
}

export interface DispatchStore {
  /** Not yet in the group's inbox, and waiting for no file; oldest first. */
  pending(group: GroupName, limit: number): readonly PendingDispatch[]
  /** Groups with messages or stops that are to be put into their inboxes. */
  groupsWithPending(): readonly GroupName[]
  /**
   * These messages stand in the inbox, with what their agent was told of answers that failed. One that was cancelled in
   * the meantime is to be stopped there. Relaxed.
   */
  placed(group: GroupName, placed: readonly PlacedMessage[]): void
  /** The last position in the group's inbox that a message is known to have; 0 when none is. */
  newestPlaced(group: GroupName): number
  /** Groups with a message that is not settled, in the order of their oldest. */
  groupsWithOpen(): readonly GroupName[]
  /** Unsettled messages in the inbox, oldest first; with `limit` the oldest of them. */
  open(group: GroupName, limit?: number): readonly OpenDispatch[]
  hasOpen(group: GroupName): boolean
  /** Has what stands in the inbox and is not settled stopped there. Returns how many those are. Idempotent. */
  stopPlaced(group: GroupName, chatId: ChatId): number
  /** Positions of messages that are to be stopped in the inbox, oldest first. */
  stopping(group: GroupName): readonly number[]
  /** The inbox says so of these. Relaxed: saying it again changes nothing there. */
  stopped(group: GroupName, inboxSeqs: readonly number[]): void
  /** Settles what is not in the inbox yet as cancelled. Returns how many. */
  cancelPending(group: GroupName, chatId: ChatId, at: UnixMs): number
  /**
   * Messages of a group that were begun since then and until now (a clock may have been ahead) or will be, being in its
   * inbox; when the first of them was begun; and how many of all that are in the inbox are not settled.
   */
  begunSince(
    group: GroupName,
    since: UnixMs,
    now: UnixMs,
  ): { count: number; oldest: UnixMs | null; open: number }
  /** What a group does for one chat: since when a turn runs, and how many messages wait. */
  activity(group: GroupName, chatId: ChatId): { runningSince: UnixMs | null; waiting: number }
  /** The conversation that an inbox position of this group belongs to. */
  sessionOf(group: GroupName, inboxSeq: number): string | null
  /** The message at an inbox position of this group; null when the group was never given it. */
  inboundOf(group: GroupName, inboxSeq: number): InboundRow | null
}

export type DeliveryState =
  | 'queued'
  /** The platform is being called; after a crash: may have been. */
  | 'sending'
  /** A try may have reached the platform; sent again, so it may stand there twice. */
  | 'unknown_after_send'
  /** The platform took it. For most platforms nothing more is ever known. */
  | 'accepted'
  /** It is where the person reads it. */
  | 'confirmed'
  /** Will not be sent; `reason` says why. */
  | 'failed'

export interface DeliveryRow {
  readonly id: DeliveryId
  readonly chatId: ChatId
  readonly address: ChatAddress
  readonly part: string
  /** Idempotency key, the same for every try. */
  readonly key: string
  readonly group: GroupName | null
  readonly state: DeliveryState
  /** A try may have reached the platform without our knowing: the message may stand there twice. */
  readonly ambiguous: boolean
  readonly attempts: number
  readonly notBefore: UnixMs
  /** When that was decided: before it, the clock has been set back, and the wait is over. */
  readonly waitsSince: UnixMs
  /** Since when it waits to be sent: made, or put back by an operator. */
  readonly queuedAt: UnixMs
  readonly reason: string | null
  /** Hash of the file that it sends. */
  readonly file: string | null
  /** Markdown from when its channel was not configured; to be rendered before it is sent. */
  readonly unrendered: boolean
}

/** A message part on its way out, made by the collector or as a notice of the host. */
export interface NewDelivery {
  readonly chatId: ChatId
  readonly thread: string | undefined
  readonly part: string
  readonly key: string
  readonly group: GroupName | null
  /** The message that it answers. */
  readonly inboxSeq?: number
  /** Set when it cannot be sent at all: recorded as failed. */
  readonly failed?: string
  readonly unrendered?: true
  /** What the runner calls the message that it is a part of. */
  readonly handle?: string
  /** Hash of the file that it sends: kept until it is sent. */
  readonly file?: string
}

/** What one batch of an outbox amounts to; recorded with the cursor in one transaction. */
export interface OutboxProgressRecord {
  readonly cursor: number
  /** In the order of the log; `attempt` is null where a begun message was handed back. */
  readonly accepted: readonly { readonly inboxSeq: number; readonly attempt: number | null }[]
  readonly deliveries: readonly NewDelivery[]
  readonly settled: readonly {
    readonly inboxSeq: number
    readonly outcome: 'done' | 'failed' | 'cancelled'
    readonly reason: string | null
  }[]
  readonly rejected: number
  /** Known by its position: recorded once. */
  readonly usage?: readonly NewUsage[]
  readonly asks?: readonly NewApproval[]
  readonly calls?: readonly NewHostCall[]
  /** What was said to the agent that asked, instead of into a chat. */
  readonly answers?: readonly { readonly inboxSeq: number; readonly text: string }[]
}

export interface OutboxStore {
  cursor(group: GroupName): number
  /** Deliveries already known by their key are not made again. Relaxed: `sending` syncs before anything leaves. */
  record(group: GroupName, batch: OutboxProgressRecord, at: UnixMs): void
  /** What was recorded before is on the disk when it resolves: to be awaited before inbox or outbox forget any of it. */
  sync(): Promise<void>
}

export interface DeliveryStore {
  /** Adds deliveries of the host itself; known keys are skipped. */
  add(deliveries: readonly NewDelivery[], at: UnixMs): void
  chatsWithQueued(): readonly ChatId[]
  /** The oldest unsent part of a chat; one in state `sending` was begun by a call that never recorded its end. */
  next(chatId: ChatId): DeliveryRow | null
  /** Durable mark before the platform is called. */
  sending(id: DeliveryId): void
  /** An unrendered one becomes these parts, at least one: they keep its place in the chat, one after the other. */
  rendered(id: DeliveryId, parts: readonly string[]): void
  /** One with parts that follow is queued again, as the next of them. */
  sent(id: DeliveryId, as: 'accepted' | 'confirmed', platformMessageId: string, at: UnixMs): void
  /** Back into the queue; once a try was ambiguous it stays `unknown_after_send` until it is sent. */
  retry(
    id: DeliveryId,
    change: { at: UnixMs; notBefore: UnixMs; spent: boolean; ambiguous: boolean; reason: string },
  ): void
  failed(id: DeliveryId, reason: string): void
  queuedOf(group: GroupName): number
  /** Messages that the group has sent into this chat since then without being spoken to there, in any state. */
  sentElsewhere(group: GroupName, chatId: ChatId, since: UnixMs): number
  /** Failed answers of agents that the owner has not been told of, oldest first. */
  untoldFailures(limit: number): readonly FailedDelivery[]
  ownerTold(ids: readonly DeliveryId[]): void
  /** Failed answers of one conversation that its agent has not been told of, oldest first. */
  untoldTo(group: GroupName, session: string, limit: number): readonly UndeliveredAnswer[]
}

export interface UndeliveredAnswer {
  readonly id: DeliveryId
  readonly reason: string
  readonly at: UnixMs
}

/** An answer that could not be sent. */
export interface FailedDelivery {
  readonly id: DeliveryId
  readonly chat: ChatRow
  readonly group: GroupName
  readonly reason: string
}
