import { type BackoffRange, backoffMs } from '../backoff.ts'
import type { Notices } from '../delivery/notices.ts'
import { elapsedText } from '../domain/elapsed-text.ts'
import { errorText } from '../domain/errors.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FileStore } from '../domain/ports/files.ts'
import type { InboundStore } from '../domain/ports/stores.ts'
import {
  type Transcriber,
  TranscriptionError,
  type TranscriptStore,
  type UnheardVoice,
} from '../domain/ports/transcription.ts'
import { sizeText } from '../domain/size-text.ts'
import type { Events } from '../events.ts'
import { cleanName } from '../markdown/clean-text.ts'
import type { StepResult } from '../pump.ts'
import { spokenText } from './spoken-text.ts'

export interface TranscribePorts {
  readonly transcripts: TranscriptStore
  readonly inbound: Pick<InboundStore, 'find'>
  readonly files: Pick<FileStore, 'path'>
  /** Null when it is not set up (any more). */
  readonly transcriber: Transcriber | null
  readonly notices: Pick<Notices, 'toChat' | 'toOwner'>
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  readonly limits: VoiceLimits
  /** A message may go to its group now. */
  readonly nudge: (group: GroupName) => void
}

export interface VoiceLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly maxSeconds: number
  /** Of one chat that may wait. */
  readonly queue: number
}

const BACKOFF: BackoffRange = { baseMs: 1_000, maxMs: 20_000 }
/** Whatever a service asks for: the person waits for an answer. */
const MAX_WAIT_MS = 30_000
const MAX_TRIES = 3
const MAX_DETAIL = 200
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** A voice message that stays without words, and who is told besides its agent. */
interface Given {
  readonly reason: string
  readonly tellChat?: { readonly text: string; readonly key: string }
  readonly tellOwner?: string
}

/**
 * Step of the transcription pump: the oldest voice message of a chat gets its words, or the reason why not. Either way
 * it goes to its agent then, with its file. Between two of one chat the others have a turn.
 */
export async function transcribeNext(
  chatId: ChatId,
  ports: TranscribePorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const waiting = ports.transcripts.unheard(chatId)
  const [voice] = waiting
  if (!voice) return 'idle'
  for (const one of waiting.slice(ports.limits.queue)) giveUp(chatId, one, tooMany(chatId, ports), ports)
  const waitMs = voice.notBefore - ports.clock.now()
  // One that is longer was set by a clock that has gone back since.
  if (waitMs > 0 && waitMs <= MAX_WAIT_MS) return { waitMs }
  const problem = refusal(voice, ports)
  if (problem) giveUp(chatId, voice, problem, ports)
  else {
    const again = await transcribe(chatId, voice, ports, signal)
    if (again) return again
  }
  return { waitMs: 0 }
}

function refusal(voice: UnheardVoice, { transcriber, files, limits }: TranscribePorts): Given | null {
  const { bytes, seconds, tries } = voice
  const tooLong = seconds !== null && seconds > limits.maxSeconds
  if (tooLong || bytes > limits.maxBytes) {
    const is = tooLong ? elapsedText(seconds * 1_000) : sizeText(bytes)
    const most = tooLong ? elapsedText(limits.maxSeconds * 1_000) : sizeText(limits.maxBytes)
    const text = `This voice message is not transcribed: it is ${is}, and ${most} is the most. It was passed on as a file.`
    const key = `voice:${voice.inboundId}:${voice.position}`
    return { reason: `it is ${is}, and ${most} is the most`, tellChat: { text, key } }
  }
  if (transcriber === null) return { reason: 'transcription is not set up any more' }
  if (bytes === 0) return { reason: 'it is empty' }
  if (files.path(voice.sha256) === null) return { reason: 'it is not kept any more' }
  if (tries >= MAX_TRIES) {
    const reason = `it was tried ${tries} times`
    return { reason, tellOwner: reason }
  }
  return null
}

function tooMany(chatId: ChatId, { limits, clock }: TranscribePorts): Given {
  const most = `more than ${limits.queue} voice messages of this chat wait for it`
  const text = `Some voice messages are not transcribed: ${most}. They were passed on as files.`
  const key = `voice-queue:${chatId}:${Math.floor(clock.now() / HOUR_MS)}`
  return { reason: most, tellChat: { text, key } }
}

/** Null when it is over, one way or the other. */
async function transcribe(
  chatId: ChatId,
  voice: UnheardVoice,
  ports: TranscribePorts,
  signal: AbortSignal,
): Promise<StepResult | null> {
  const { transcripts, transcriber, files, events, clock, limits } = ports
  const path = files.path(voice.sha256)
  if (transcriber === null || path === null) return null
  transcripts.begun(voice)
  const from = clock.now()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)])
  try {
    const words = spokenText(await transcriber.transcribe({ path, mime: voice.mime }, limit))
    if (words === null) {
      giveUp(chatId, voice, { reason: 'no words were found in it' }, ports)
      return null
    }
    transcripts.ready(voice, words)
    events.transcribed(voice.inboundId, clock.now() - from, words.length)
    release(voice, ports)
    return null
  } catch (error) {
    // The host is stopping: the next one begins it again.
    if (signal.aborted) {
      transcripts.handedBack(voice)
      return 'idle'
    }
    return afterFailure(chatId, voice, limit.aborted ? tookTooLong(limits) : error, ports)
  }
}

function afterFailure(
  chatId: ChatId,
  voice: UnheardVoice,
  error: unknown,
  ports: TranscribePorts,
): StepResult | null {
  const { transcripts, events, clock, random } = ports
  const known = error instanceof TranscriptionError ? error : null
  // What the port does not promise is a defect of the driver, whose words are not for chats.
  const reason = known?.message ?? 'the transcription failed'
  // A program that reads a hostile file may print what is in it.
  const detail = cleanName((known ? known.detail : errorText(error)).replaceAll('`', "'"), MAX_DETAIL)
  const askedMs = known?.againAfterMs ?? null
  if (askedMs !== null && voice.tries + 1 < MAX_TRIES) {
    const waitMs = Math.min(MAX_WAIT_MS, Math.max(askedMs, backoffMs(voice.tries + 1, BACKOFF, random)))
    transcripts.again(voice, (clock.now() + waitMs) as UnixMs)
    events.transcriptionRetried(voice.inboundId, waitMs, reason, detail)
    return { waitMs }
  }
  const about = detail === '' ? reason : `${reason} (\`${detail}\`)`
  giveUp(chatId, voice, { reason, tellOwner: about }, ports)
  return null
}

function tookTooLong({ timeoutMs }: VoiceLimits): TranscriptionError {
  return new TranscriptionError(`it took longer than ${elapsedText(timeoutMs)}`)
}

/** Its agent gets the file and the reason; the owner hears once a day that something is wrong. */
function giveUp(chatId: ChatId, voice: UnheardVoice, given: Given, ports: TranscribePorts): void {
  const { transcripts, inbound, notices, events, clock } = ports
  transcripts.failed(voice, given.reason)
  events.transcriptionFailed(voice.inboundId, given.tellOwner ?? given.reason)
  const { tellChat, tellOwner } = given
  const message = tellChat ? inbound.find(voice.inboundId) : null
  if (tellChat && message) notices.toChat(chatId, message.address.thread, tellChat.text, tellChat.key)
  if (tellOwner !== undefined)
    notices.toOwner(
      `A voice message could not be transcribed, and went to its agent as a file: ${tellOwner}. \`./creel doctor --live\` tries it.`,
      `transcription:${Math.floor(clock.now() / DAY_MS)}`,
    )
  release(voice, ports)
}

function release({ inboundId }: UnheardVoice, { transcripts, nudge }: TranscribePorts): void {
  if (transcripts.isAwaited(inboundId)) return
  for (const group of transcripts.groupsWaitingFor(inboundId)) nudge(group)
}
