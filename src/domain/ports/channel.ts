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
 * A messaging platform and our driver for one account on it. `receive` runs once; `render` is pure; `send` may
 * be called while `receive` runs, but never twice at once for the same chat.
 */
export interface Channel {
  readonly name: string
  readonly account: string
  readonly capabilities: ChannelCapabilities
  /** Absent where the channel shows progress in a better way. Calls run beside `send`. */
  readonly notes?: ChatNotes | undefined
  /**
   * Takes messages until `signal` aborts, then resolves. `accept` returns only after the message is on disk;
   * acknowledge to the platform after it, never before. When `accept` throws, the message was not kept: do not
   * acknowledge, hand it over again. Network loss is retried inside; rejects only when going on is
   * pointless (bad token), with a CreelError that says what to do.
   */
  receive(accept: (message: InboundMessage) => Accepted, signal: AbortSignal): Promise<void>
  /** Splits markdown into parts that the platform takes, in order; at least one. Never throws. */
  render(markdown: string): readonly DeliveryPart[]
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
  ): OwnChatLine
  /** The newest `limit` lines after `afterId`, oldest first. */
  lines(chat: string, afterId: number, limit: number): readonly OwnChatLine[]
  /** One line of a chat; null when it is another's or there is none. */
  line(chat: string, id: number): OwnChatLine | null
}
