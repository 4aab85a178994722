import { CreelError } from '../errors.ts'
import type { ChatId, GroupName, InboundId, UnixMs } from '../ids.ts'
import type { FileHash } from './files.ts'

/** Spoken words that are to be written down. */
export interface Recording {
  /** Absolute, not to be written to. */
  readonly path: string
  /** As the sender's program says; hostile. */
  readonly mime: string
}

/** What became of one try. The message is for the person who spoke and for the agent. */
export class TranscriptionError extends CreelError {
  override name = 'TranscriptionError'
  /** Another try may go better, not before so long. */
  readonly againAfterMs: number | null
  /** More, for the log and the owner alone: it may name paths of this machine. */
  readonly detail: string

  constructor(message: string, options: { againAfterMs?: number; detail?: string; cause?: unknown } = {}) {
    super('unavailable', message, options.cause === undefined ? {} : { cause: options.cause })
    this.againAfterMs = options.againAfterMs ?? null
    this.detail = options.detail ?? ''
  }
}

/** Writes down what is said in a recording. Calls may run concurrently. */
export interface Transcriber {
  /**
   * The words, as the program or service gave them: to be cleaned, at most a megabyte. Throws TranscriptionError; ends
   * soon after `signal` aborts, with nothing left running.
   */
  transcribe(recording: Recording, signal: AbortSignal): Promise<string>
  close(): Promise<void>
}

/** A voice message whose file is there and whose words are wanted. */
export interface UnheardVoice {
  readonly inboundId: InboundId
  /** Its place in the message. */
  readonly position: number
  readonly name: string
  readonly mime: string
  readonly sha256: FileHash
  readonly bytes: number
  /** Null when the platform does not say. */
  readonly seconds: number | null
  /** Tries that were begun and did not end with an answer. */
  readonly tries: number
  readonly notBefore: UnixMs
}

type Place = Pick<UnheardVoice, 'inboundId' | 'position'>

/** Words of voice messages, in the host's database. A message that wants some is not given to its agent before. */
export interface TranscriptStore {
  /** Chats with a routed voice message whose words are wanted and whose file is there. */
  chatsWithUnheard(): readonly ChatId[]
  /** Those of a chat, in the order in which they were said. */
  unheard(chatId: ChatId): readonly UnheardVoice[]
  /** A try begins: durable before it, so that what kills the host is not tried for ever. */
  begun(voice: Place): void
  /** The try was ended from outside and does not count. */
  handedBack(voice: Place): void
  again(voice: Place, notBefore: UnixMs): void
  ready(voice: Place, words: string): void
  failed(voice: Place, reason: string): void
  /** Whether the words of a message, or one of its files, are still waited for. */
  isAwaited(inboundId: InboundId): boolean
  groupsWaitingFor(inboundId: InboundId): readonly GroupName[]
}
