import type { UnixMs } from '../ids.ts'
import type { ChatAddress, ChatFile, InboundMessage, Progress } from '../message.ts'

/** One part of a message, in the channel's own encoding; made by `render`, stored, given back to `send`. */
export type DeliveryPart = string

export interface ChannelCapabilities {
  /** Sending the same key twice shows one message. Without it an interrupted send is ambiguous. */
  readonly idempotentSend: boolean
  readonly threads: boolean
  /** A send that returned is where the person reads it; without it the platform's word is the last that is known. */
  readonly confirmsSend?: boolean
}

/** What became of a message that a channel handed over. Both mean: it is durable, acknowledge it. */
export type Accepted = 'new' | 'duplicate'

/**
 * Takes a message from its platform; returns only after it is on disk. When it throws, the message was not kept.
 */
export interface Accept {
  (message: InboundMessage): Accepted
  /**
   * All that `work` hands over is one commit, on disk when this returns: for messages that came in one answer of a
   * platform, which cost one wait for the disk then. When it throws, nothing of it was kept. Absent where a caller has
   * no use for it.
   */
  readonly together?: <T>(work: () => T) => T
}

/**
 * One short message of ours that changes while a turn runs, and goes with it; plain text, silent. Every call throws
 * what `send` throws; a `ChannelRefusedError` means that the note is not there, or may not be.
 */
export interface ChatNotes {
  /** Returns the platform's message id. */
  post(to: ChatAddress, text: string, signal: AbortSignal): Promise<string>
  /** The same text again changes nothing. */
  edit(to: ChatAddress, id: string, text: string, signal: AbortSignal): Promise<void>
  /** Idempotent. */
  remove(to: ChatAddress, id: string, signal: AbortSignal): Promise<void>
}

/**
 * One answer that a message offers. To press it is to say this text: the channel hands over a message of whoever
 * pressed, under an id of its own, so that a press is as durable, and grants as little, as typed words.
 */
export interface Choice {
  readonly label: string
  /** A slash command of at most 60 ASCII characters. */
  readonly say: string
}

/** Changing a message with choices once one of them was taken. */
export interface ChatCards {
  /**
   * Replaces the message of this id by a text without choices; what does not fit is left out. Idempotent. Throws what
   * `send` throws.
   */
  settle(to: ChatAddress, id: string, markdown: string, signal: AbortSignal): Promise<void>
}

/** A button of a message that opens a page. */
export interface LinkButton {
  readonly label: string
  /** https, checked. */
  readonly url: string
}

/** Answering a person's message with one emoji. */
export interface ChatReactions {
  /** Some that it takes, all if they are few. */
  readonly examples: readonly string[]
  takes(emoji: string): boolean
  /**
   * In place of an earlier reaction of ours. `messageId` is the platform's, as the message was handed over. Idempotent.
   * Throws what `send` throws.
   */
  react(to: ChatAddress, messageId: string, emoji: string, signal: AbortSignal): Promise<void>
}

/**
 * A messaging platform and our driver for one account on it. `receive` runs once; `render` is pure; `send` may
 * be called while `receive` runs, but never twice at once for the same chat.
 */
export interface Channel {
  readonly name: string
  readonly account: string
  readonly capabilities: ChannelCapabilities
  /** Absent where the channel shows progress in a better way. Calls run beside `send`. */
  readonly notes?: ChatNotes | undefined
  /** Absent where a message cannot be changed once it was sent. */
  readonly cards?: ChatCards | undefined
  readonly reactions?: ChatReactions | undefined
  /**
   * Takes messages until `signal` aborts, then resolves. `accept` returns only after the message is on disk;
   * acknowledge to the platform after it, never before. When `accept` throws, the message was not kept: do not
   * acknowledge, hand it over again. Network loss is retried inside; rejects only when going on is
   * pointless (bad token), with a CreelError that says what to do.
   */
  receive(accept: Accept, signal: AbortSignal): Promise<void>
  /** Splits markdown into parts that the platform takes, in order; at least one. Never throws. */
  render(markdown: string): readonly DeliveryPart[]
  /**
   * The first part of a text that would flood the chat, or be cut off, as messages; null for one that would not. Whoever
   * sends it has a file follow with all of it. Pure, never throws. Absent where a text of any length is one message.
   */
  beginningOf?(markdown: string): DeliveryPart | null
  /**
   * A text with choices as parts, in order, the choices with the last one: as buttons, or in words with what to type.
   * Pure, never throws.
   */
  renderChoices(markdown: string, choices: readonly Choice[]): readonly DeliveryPart[]
  /**
   * A text with at least one button that opens a page, as parts. Pure, never throws. Absent where a link in the text
   * has to do.
   */
  renderLinks?(markdown: string, links: readonly LinkButton[]): readonly DeliveryPart[]
  /** What a person reads of a part. Pure, never throws. Absent where a part is that itself. */
  textOf?(part: DeliveryPart): string
  /**
   * A file as parts, in order; at least one. What the platform does not take becomes a text that says so. Pure, never
   * throws.
   */
  renderFile(file: ChatFile, caption: string): readonly DeliveryPart[]
  /**
   * Opens a file that a message brought, by the channel's own reference. Throws ChannelRefusedError when it cannot be
   * had at all (too large, gone), RetryAfterError or ChannelUnreachableError when it can be tried again; reading from
   * it may throw anything, which is tried again. Both end soon after `signal` aborts. May be called many times, and
   * concurrently.
   */
  fetchFile(source: string, bytes: number | null, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  /**
   * Sends one part and returns the platform's message id. Formatting trouble falls back to plain text inside.
   * Throws RetryAfterError, ChannelRefusedError or ChannelUnreachableError; anything else is a bug and is
   * treated as refused.
   */
  send(to: ChatAddress, part: DeliveryPart, key: string, signal: AbortSignal): Promise<string>
  /**
   * Asks the platform for a sign of life, without sending anything: tells one bad message from a platform that is
   * down. Throws ChannelUnreachableError when it does not answer; any answer will do. Left out where sending is local.
   */
  check?(signal: AbortSignal): Promise<void>
  /** Shows that the agent is at work. Best effort: never throws, safe to drop. */
  showProgress(to: ChatAddress, progress: Progress | null): void
}

/** One line of a chat on a channel whose platform is Creel itself (web, terminal). */
export interface OwnChatLine {
  readonly id: number
  readonly author: 'user' | 'agent'
  readonly text: string
  readonly at: UnixMs
  /** Left out when there are none. */
  readonly files?: readonly ChatFile[]
  /** What it offers to answer; left out when nothing, or nothing any more. */
  readonly choices?: readonly Choice[]
  /** The agent's answer to it, in one emoji. */
  readonly reaction?: string
  /** It was changed since it was written. */
  readonly changed?: true
}

/** Storage for channels that have no platform behind them. */
export interface OwnChatStore {
  /** Idempotent by `key`: the same key again returns the first line and writes nothing. Synced. */
  append(
    chat: string,
    author: OwnChatLine['author'],
    text: string,
    key: string,
    at: UnixMs,
    files?: readonly ChatFile[],
    choices?: readonly Choice[],
  ): OwnChatLine
  /** Replaces the text of an agent's line and takes its choices away; null when there is no such line. Synced. */
  settle(chat: string, id: number, text: string): OwnChatLine | null
  /** The agent's answer to a person's line, by the line's key; null when there is no such line. Synced. */
  react(chat: string, key: string, emoji: string): OwnChatLine | null
  /** The newest `limit` lines after `afterId`, oldest first. */
  lines(chat: string, afterId: number, limit: number): readonly OwnChatLine[]
  /** One line of a chat; null when it is another's or there is none. */
  line(chat: string, id: number): OwnChatLine | null
}
