import type { FileKind } from '@creel/protocol'
import { CreelError } from '../errors.ts'
import type { ChatId, GroupName, InboundId, UnixMs } from '../ids.ts'

/** SHA-256 of a file's bytes, in hex. */
export type FileHash = string

/** What the bytes themselves say; nothing for what is no image that browsers and models take. */
export interface ImageInfo {
  readonly mime: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  readonly width: number
  readonly height: number
}

export interface StoredFile {
  readonly sha256: FileHash
  readonly bytes: number
  readonly image: ImageInfo | null
  /** Ogg with Opus in it, by its first bytes: what platforms take as a voice message. */
  readonly voice?: true
}

/** This file cannot be had, now or later. The message is for people. */
export class FileRefusedError extends CreelError {
  override name = 'FileRefusedError'
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super('invalid', message, options)
  }
}

/**
 * Where the host keeps files, by the hash of their bytes: durable, bounded, old ones removed when nothing waits for
 * them. Calls may run concurrently; the same bytes twice are one file.
 */
export interface FileStore {
  /**
   * Takes a stream in. Durable when it returns. Throws FileRefusedError when it is longer than `maxBytes` or there is no
   * room, and whatever the stream throws; then nothing is kept.
   */
  add(source: AsyncIterable<Uint8Array>, maxBytes: number, signal: AbortSignal): Promise<StoredFile>
  /**
   * Takes what a sandbox left under this hash in its `out/files`: hostile, so it is read in a process that can be
   * killed. Throws FileRefusedError when it is anything but a plain file of these bytes.
   */
  collect(group: GroupName, sha256: FileHash, bytes: number): Promise<StoredFile>
  /** Absolute path of a stored file, not to be written to; null when it is not there (any more). */
  path(sha256: FileHash): string | null
  /** Removes what is too old. Never throws. */
  sweep(): Promise<void>
  close(): Promise<void>
}

/** The files that each group may read: a folder of its own, bounded, the oldest removed when nothing waits for them. */
export interface GroupFiles {
  /**
   * Lets a group read a stored file as `in/files/<name>`; false when there is no room for it. Idempotent. Throws
   * CreelError when the disk does not do it.
   */
  give(group: GroupName, name: string, file: { readonly path: string; readonly bytes: number }): boolean
}

/** One file of an inbound message. */
export interface Attachment {
  readonly inboundId: InboundId
  /** Its place in the message, from 0. */
  readonly position: number
  readonly kind: FileKind
  /** As the sender called it, cleaned for display. */
  readonly name: string
  readonly mime: string
  /** As far as it is known before the file is there. */
  readonly bytes: number | null
  readonly state: 'wanted' | 'ready' | 'failed'
  /** The channel's own reference, for `fetchFile`; empty when the file came with the message. */
  readonly source: string
  readonly sha256: FileHash | null
  readonly image: ImageInfo | null
  /** Why it failed, for people. */
  readonly reason: string | null
  readonly attempts: number
  readonly notBefore: UnixMs
  /** Of a voice message that was transcribed, or why it was not; null where that was not wanted, or is not over. */
  readonly words: { readonly said: string } | { readonly reason: string } | null
}

/** Files of inbound messages, in the host's database. */
export interface AttachmentStore {
  /** In the order of the message. */
  of(inboundId: InboundId): readonly Attachment[]
  /** Chats with a routed message that waits for a file. */
  chatsWithWanted(): readonly ChatId[]
  /** The file that is to be fetched next in a chat, oldest message first. */
  nextWanted(chatId: ChatId): Attachment | null
  /** Whether any file of any chat is still to be had. Costs next to nothing. */
  anyWanted(): boolean
  /** The file is in the store. */
  ready(file: Pick<Attachment, 'inboundId' | 'position'>, stored: StoredFile): void
  failed(file: Pick<Attachment, 'inboundId' | 'position'>, reason: string): void
  retry(file: Pick<Attachment, 'inboundId' | 'position'>, notBefore: UnixMs): void
  /** Groups that wait to be given this message. */
  groupsWaitingFor(inboundId: InboundId): readonly GroupName[]
  /** Files that something still waits for: a message that is not settled, a delivery that is not sent. */
  inUse(): ReadonlySet<FileHash>
}
