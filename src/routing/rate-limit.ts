import type { ChatId, InboundId, UserId } from '../domain/ids.ts'
import type { InboundRow } from '../domain/ports/stores.ts'
import type { PastMessage } from '../domain/ports/waiting.ts'
import { BoundedMap } from './bounded-map.ts'

/** Messages a minute, and at once; 0 = no bound. */
export interface RateLimits {
  readonly senderPerMinute: number
  readonly chatPerMinute: number
}

/** Who is over the bound, and whether that is what began it. */
export interface TooFast {
  readonly who: 'sender' | 'chat'
  readonly perMinute: number
  readonly first: boolean
}

/** How much more may come. What is refused takes as well: a flood is over when it is calm again, not in between. */
export interface Bucket {
  readonly tokens: number
  readonly at: number
  /** The message that began the refusing; null while all is well. */
  readonly refusedFrom: InboundId | null
}

const MINUTE_MS = 60_000
/** A clock that is set back further than this begins anew; less is messages that come out of order. */
const SET_BACK_MS = 60_000
const MAX_KEYS = 10_000
const MAX_PAST = 1_000
const COMMANDS_PER_MINUTE = 30

/** Takes one message said at `at` out of the bucket. Full at first; it is well again when half full. Pure. */
export function takeFrom(bucket: Bucket | null, perMinute: number, at: number, id: InboundId): Bucket {
  const before = bucket ?? { tokens: perMinute, at, refusedFrom: null }
  const passed = Math.max(0, at - before.at)
  const filled = Math.min(perMinute, before.tokens + (passed * perMinute) / MINUTE_MS)
  const well = before.refusedFrom === null || filled >= perMinute / 2
  const refused = !well || filled < 1
  return {
    tokens: Math.max(0, filled - 1),
    at: before.at - at > SET_BACK_MS ? at : Math.max(before.at, at),
    refusedFrom: refused ? (before.refusedFrom ?? id) : null,
  }
}

/**
 * Counts what people and chats send to agents, by the time at which it was said: a backlog that comes all at once is
 * no flood. What it knows it can find out again from the tables, so it forgets who was long silent, and a restart
 * changes nothing.
 */
export class RateLimiter {
  readonly #limits: RateLimits
  readonly #past: (message: InboundRow, limit: number) => readonly PastMessage[]
  readonly #senders = new BoundedMap<UserId, Bucket>(MAX_KEYS)
  readonly #chats = new BoundedMap<ChatId, Bucket>(MAX_KEYS)
  readonly #commands = new BoundedMap<UserId, Bucket>(MAX_KEYS)

  /** `past`: what was said to agents in the chat of a message before it, oldest first. */
  constructor(limits: RateLimits, past: (message: InboundRow, limit: number) => readonly PastMessage[]) {
    this.#limits = limits
    this.#past = past
  }

  /** Null when the message may go on. The same message again gets the same answer. */
  judge(message: InboundRow): TooFast | null {
    const { senderPerMinute, chatPerMinute } = this.#limits
    const { senderId, chatId } = message
    const bySender = senderPerMinute === 0 ? null : this.#take(this.#senders, senderId, 'sender', message)
    // One person's flood does not use up what the others of the chat have.
    if (bySender?.refusedFrom != null) return tooFast('sender', senderPerMinute, bySender, message)
    const byChat = chatPerMinute === 0 ? null : this.#take(this.#chats, chatId, 'chat', message)
    return byChat?.refusedFrom == null ? null : tooFast('chat', chatPerMinute, byChat, message)
  }

  /** The same for words to the host, which have a bound of their own: who floods a chat can still stop it. */
  judgeCommand(message: InboundRow): TooFast | null {
    const known = this.#commands.get(message.senderId)
    const bucket = takeFrom(known ?? null, COMMANDS_PER_MINUTE, saidAt(message), message.id)
    this.#commands.set(message.senderId, bucket)
    return bucket.refusedFrom === null ? null : tooFast('sender', COMMANDS_PER_MINUTE, bucket, message)
  }

  #take<Key extends UserId | ChatId>(
    buckets: BoundedMap<Key, Bucket>,
    key: Key,
    who: TooFast['who'],
    message: InboundRow,
  ): Bucket {
    const perMinute = this.#perMinute(who)
    const known = buckets.get(key) ?? this.#remember(who, message)
    const bucket = takeFrom(known, perMinute, saidAt(message), message.id)
    buckets.set(key, bucket)
    return bucket
  }

  /** As it would be had it been counted all along. */
  #remember(who: TooFast['who'], message: InboundRow): Bucket | null {
    const perMinute = this.#perMinute(who)
    let bucket: Bucket | null = null
    for (const past of this.#past(message, Math.min(MAX_PAST, 2 * perMinute))) {
      if (who === 'chat' || past.senderId === message.senderId)
        bucket = takeFrom(bucket, perMinute, saidAt(past), 0 as InboundId)
    }
    return bucket
  }

  #perMinute(who: TooFast['who']): number {
    return who === 'sender' ? this.#limits.senderPerMinute : this.#limits.chatPerMinute
  }
}

function tooFast(who: TooFast['who'], perMinute: number, bucket: Bucket, { id }: InboundRow): TooFast {
  return { who, perMinute, first: bucket.refusedFrom === id }
}

/** The platform's word, unless it lies in the future. */
function saidAt({ sentAt, receivedAt }: Pick<PastMessage, 'sentAt' | 'receivedAt'>): number {
  return Math.min(sentAt, receivedAt)
}
