import { type FailureReason, MAX_BODY_BYTES, MAX_TEXT, type TurnPhase } from '@creel/protocol'
import type { Hung } from './phase-watch.ts'

/** Room in a body for everything but the text. */
const BODY_OVERHEAD_BYTES = 1_000

/** Longest cut note, with room for any number. */
const NOTE_LENGTH = 100

const PLAIN: Record<FailureReason, string> = {
  auth: 'its provider did not accept the credentials',
  quota: 'its provider says that the quota or the credit is used up',
  'rate-limited': 'its provider is asked too much at once; try again in a minute',
  'context-overflow': 'the message is too long for its model',
  refused: 'its model declined to answer',
  overloaded: 'its provider is overloaded; try again later',
  'resume-lost': 'its provider lost the conversation; say it again to begin a new one',
  crashed: 'its provider crashed',
  timeout: 'its provider did not answer in time',
  other: 'its provider reported an error',
}

/** What the user is told when the provider failed. Details are for the operator and go into the settlement. */
export function failureReply(reason: FailureReason, tries = 1): string {
  return `The agent could not answer: ${PLAIN[reason]}.${triedText(tries)}`
}

const HUNG: Record<TurnPhase, string> = {
  starting: 'its program did not start',
  resuming: 'its program did not open the conversation again',
  compacting: 'shortening the conversation did not come to an end',
  model: 'its model said nothing',
  tool: 'a tool that it used gave no sign of life',
  waiting: 'its provider asked it to wait and then said nothing',
}

/** What the user is told when a phase of the turn went on for too long. */
export function hungReply({ phase, limitMs }: Hung, tries = 1): string {
  const limit = `${limitMs / 1000} s`
  return `The agent was stopped: ${HUNG[phase]} for ${limit}, its limit (phase: ${phase}).${triedText(tries)}`
}

function triedText(tries: number): string {
  return tries > 1 ? ` It was tried ${tries} times.` : ''
}

const AGAIN: Partial<Record<FailureReason, string>> = {
  'rate-limited': "the model's service asks to wait",
  overloaded: "the model's service is overloaded",
  crashed: "the agent's program crashed",
  timeout: 'no answer came in time',
}

/** Shown while a failed turn waits for its next try. */
export function tryingAgain(reason: FailureReason, waitMs: number): string {
  return `${AGAIN[reason] ?? 'it did not work'}; trying again in ${Math.ceil(waitMs / 1000)} s`
}

/** Shown while the runtime does what it announced; undefined when that is ordinary work. */
export function phaseText(phase: TurnPhase): string | undefined {
  if (phase === 'compacting') return 'shortening the conversation'
  return phase === 'waiting' ? "waiting for the model's service" : undefined
}

export function timeoutReply(turnTimeoutMs: number): string {
  return `The agent was stopped: the answer took longer than its time limit of ${turnTimeoutMs / 1000} s.`
}

export function gaveUpReply(attempts: number): string {
  return `The agent could not answer: its sandbox died ${attempts} times while it worked on this message. It was given up.`
}

/** Said before the answer when the agent's memory of the conversation is gone. */
export const FRESH_START =
  '(The agent lost its memory of this conversation and begins a new one with this message.)'

/** The same, when the transcript took its place. */
export const PRIMED_START =
  '(The agent lost its memory of this conversation and goes on from the transcript of its newest part.)'

/** Said before the answer when the conversation had to be cut for the model. */
export const TOO_LONG_START =
  '(This conversation had become too long for the model. The agent goes on with its newest part; all of it is kept in its memory folder.)'

/** After what a turn had said until the next message ended it. */
export const INTERRUPTED = '(interrupted by the next message)'

/** What the person who asked for it is told when the conversation was shortened, or could not be. */
export function compactReply(
  compacted: { beforeTokens?: number | undefined; afterTokens?: number | undefined } | undefined,
): string {
  if (compacted === undefined) return 'There was nothing to shorten in this conversation.'
  const { beforeTokens = 0, afterTokens = 0 } = compacted
  const size = beforeTokens > afterTokens ? ` from about ${beforeTokens} to ${afterTokens} tokens` : ''
  return `The conversation was shortened${size}: the agent goes on with a summary of it.`
}

/** The whole answer of an agent that has nothing to say in a group. */
const NO_REPLY = 'NO_REPLY'

/** Whether this is all that is said, in a group, to say nothing. In a private chat somebody waits for an answer. */
export function isNoReply(said: readonly string[], chat: 'private' | 'group'): boolean {
  return chat === 'group' && said.length === 1 && said[0]?.trim() === NO_REPLY
}

/** Whether a text that is being written may still become NO_REPLY, or is it. */
export function mayBeNoReply(draft: string, chat: 'private' | 'group'): boolean {
  return chat === 'group' && draft !== '' && NO_REPLY.startsWith(draft.trim())
}

export const NO_ANSWER = '(no answer)'

export function leftOutNote(count: number): string {
  return `(${count} more messages were left out: one turn may send only so many)`
}

/**
 * The text, cut with a visible note when it is longer than one entry may be: in UTF-16 units, and in bytes as JSON,
 * where a control character takes six.
 */
export function boundedText(text: string): string {
  const limit = MAX_BODY_BYTES - BODY_OVERHEAD_BYTES
  if (text.length <= MAX_TEXT && jsonBytes(text) <= limit) return text
  const note = `\n\n(cut here: the answer was ${text.length} characters long)`
  let keep = head(text, MAX_TEXT - NOTE_LENGTH)
  while (jsonBytes(keep) > limit) keep = head(keep, Math.floor(keep.length * 0.8))
  return keep + note
}

/** At most the last `max` units, marked when something is missing in front. */
export function tail(text: string, max: number): string {
  return text.length <= max ? text : `…${text.slice(text.length - max + 1).replace(/^[\uDC00-\uDFFF]/, '')}`
}

function head(text: string, max: number): string {
  // Not between the two halves of one character.
  const splits = /[\uD800-\uDBFF]/.test(text.charAt(max - 1))
  return text.slice(0, splits ? max - 1 : max)
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}
