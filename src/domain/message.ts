import type { FileKind } from '@creel/protocol'
import type { GroupName, UnixMs, UserId } from './ids.ts'
import type { FileHash, ImageInfo, StoredFile } from './ports/files.ts'

/** One place to talk to on a channel. A value: carried unchanged from the question to its answer. */
export interface ChatAddress {
  readonly channel: string
  /** Which of our accounts (bots) on that channel. */
  readonly account: string
  /** The platform's id of the chat. */
  readonly chat: string
  /** The platform's id of the topic or thread inside the chat. */
  readonly thread?: string
}

export type ChatKind = 'private' | 'group'

export interface Sender {
  readonly id: UserId
  /** Display name: shown, never used to decide anything. */
  readonly name: string
  readonly isBot: boolean
}

/** What a channel hands over, as the platform said it. */
export interface InboundMessage {
  readonly address: ChatAddress
  readonly chatKind: ChatKind
  readonly chatTitle: string
  readonly platformMessageId: string
  readonly sender: Sender
  /** Text or caption. Things that are not text are named in it, `[photo]`, so that nothing vanishes silently. */
  readonly text: string
  readonly sentAt: UnixMs
  /** The platform itself says that our account is addressed: a mention, or a reply to one of our messages. */
  readonly mentionsUs: boolean
  /** The message that this one answers. */
  readonly quote?: Quote
  /** The message of this id was changed, and this is how it is now; the platform's id of the change. */
  readonly edit?: string
  /** Files that came with it. */
  readonly files?: readonly InboundFile[]
  /** How long it was on its way while its channel was silent; left out when it came at once. */
  readonly lateMs?: number
  /** The platform's name for several messages that a person sent as one; each is handed over by itself. */
  readonly album?: string
}

/** A message that somebody pointed at. */
export interface Quote {
  /** Display name and id of its author; `you` for one of ours. */
  readonly name: string
  readonly text: string
}

/** A file of a message on its way in. */
export interface InboundFile {
  readonly kind: FileKind
  /** Cleaned for display; never part of a path. */
  readonly name: string
  readonly mime: string
  /** Null when the platform does not say. */
  readonly bytes: number | null
  /** How long a voice message is; left out when the platform does not say. */
  readonly seconds?: number
  /** It is in the file store already, or the channel can fetch it by its own reference. */
  readonly from: { readonly stored: StoredFile } | { readonly source: string }
}

/** Of a file that may be shown as a voice message, by its bytes. */
export const VOICE_TYPE = 'audio/ogg; codecs=opus'

/** A file in the host's store, as a chat shows it. */
export interface ChatFile {
  readonly sha256: FileHash
  /** Cleaned for display. */
  readonly name: string
  readonly mime: string
  readonly bytes: number
  readonly image: ImageInfo | null
}

/** What an agent is doing in a running turn. Best effort: never stored, never retried. */
export interface Progress {
  readonly group: GroupName
  /** What has been said so far, as markdown; empty when nothing yet. */
  readonly text: string
  readonly activity?: string
  /** When the work began. */
  readonly since?: UnixMs
}

/** The files of a message that are in the store, as its chat shows them. */
export function chatFiles(files: readonly InboundFile[]): ChatFile[] {
  return files.flatMap(({ name, mime, from }) => {
    if (!('stored' in from)) return []
    const { sha256, bytes, image } = from.stored
    return [{ sha256, name, mime: image?.mime ?? mime, bytes, image }]
  })
}
