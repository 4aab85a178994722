import type { ChatId, GroupName, InboundId, UnixMs, UserId } from './ids.ts'
import type { ChatKind } from './message.ts'

/** A call as it is recorded with the batch that it came in. */
export interface NewHostCall {
  readonly group: GroupName
  readonly inboxSeq: number
  /** The runner's name for it: the same again is the same call. */
  readonly callId: string
  readonly name: string
  /** JSON, as the sandbox wrote it. */
  readonly args: string
  readonly at: UnixMs
  /** Refused by the host itself: nothing is carried out. */
  readonly refused?: string
}

/** What became of a call. `text` is for the model: a text of its own, or JSON. */
export interface CallAnswer {
  readonly ok: boolean
  readonly text: string
}

/** A call whose answer is not in the inbox yet. */
export interface HostCallRow extends NewHostCall {
  readonly id: number
  readonly answer: CallAnswer | null
}

/**
 * Who asks, for whom and where from: found in the host's own tables by the inbox position that the call names, never
 * in what the sandbox says.
 */
export interface CallOrigin {
  readonly group: GroupName
  /** With the epoch that it has in the inbox. */
  readonly session: string
  readonly inboxSeq: number
  readonly inboundId: InboundId
  readonly chatId: ChatId
  readonly chatKind: ChatKind
  readonly thread: string | undefined
  /** Who spoke: the turn is theirs. */
  readonly speaker: UserId
  readonly speakerName: string
  /**
   * All whose messages the turn may have in it, the speaker first. Messages of others go into a running turn: what not
   * each of them may do is not to be done.
   */
  readonly speakers: readonly UserId[]
  /** The same for each try: what a handler makes under this key is made once. */
  readonly key: string
  readonly at: UnixMs
}
