import type { InboxMessage, OutboxEntry, RunnerSettings } from '@creel/protocol'
import {
  boundedText,
  compactReply,
  failureReply,
  hungReply,
  INTERRUPTED,
  isNoReply,
  leftOutNote,
  mayBeNoReply,
  NO_ANSWER,
  timeoutReply,
} from './reply-text.ts'
import type { FailedTurn, TurnEnd, TurnRecord } from './turn-record.ts'

const MAX_REASON = 2_000

/** The messages that a turn answers. */
export interface Answered {
  /** The answers go to where the first came from. */
  readonly jobs: readonly {
    readonly seq: number
    readonly message: Pick<InboxMessage, 'chat' | 'command' | 'task'>
  }[]
  /** Cancelled before the agent had them. */
  readonly dropped: readonly { readonly seq: number }[]
}

/**
 * Everything that a finished turn leaves in the outbox, for one append: its output, once, and the settlement of every
 * message that went into it. Pure.
 */
export function turnEntries(
  { jobs, dropped }: Answered,
  record: TurnRecord,
  end: TurnEnd,
  settings: RunnerSettings,
): OutboxEntry[] {
  const [first] = jobs
  if (!first) return []
  const inboxSeq = first.seq
  const chat = silenceOf(first.message)
  const compact = first.message.command === 'compact'
  return [
    ...output(inboxSeq, record, end, { settings, chat, compact }),
    ...usage(inboxSeq, record, settings),
    ...jobs.map(({ seq }) => ending(seq, end, settings)),
    ...dropped.map(({ seq }): OutboxEntry => ({ type: 'settled', inboxSeq: seq, outcome: 'cancelled' })),
  ]
}

/** Whether the agent may choose to say nothing: where others talk, or when nobody has asked just now. */
export function silenceOf({ chat, task }: Pick<InboxMessage, 'chat' | 'task'>): 'private' | 'group' {
  return task === undefined ? chat.kind : 'group'
}

interface OutputOptions {
  readonly settings: RunnerSettings
  readonly chat: 'private' | 'group'
  /** The runtime was asked to shorten the conversation. */
  readonly compact: boolean
}

/** Replies and files in the order in which the turn made them. */
function output(inboxSeq: number, record: TurnRecord, end: TurnEnd, options: OutputOptions): OutboxEntry[] {
  const said = spoken(record, end, options).map(
    (text): OutboxEntry => ({ type: 'reply', inboxSeq, text: boundedText(text) }),
  )
  if (isUnsaid(end)) return said
  for (const { file, after } of record.files.toReversed()) {
    said.splice(after, 0, { type: 'file', inboxSeq, ...file })
  }
  return said
}

/** Cancelled: the person does not want it any more. Shutdown: the next runner says it all again. */
function isUnsaid(end: TurnEnd): boolean {
  return end.kind === 'stopped' && end.by !== 'timeout' && end.by !== 'superseded'
}

/** What the message's sender gets to see, in order. */
function spoken(record: TurnRecord, end: TurnEnd, { settings, chat, compact }: OutputOptions): string[] {
  if (end.kind === 'stopped' && end.by === 'superseded') return saidSoFar(record, chat)
  if (isUnsaid(end)) return []
  if (end.kind === 'completed' && compact) return [compactReply(record.compacted)]
  if (end.kind === 'completed' && isNoReply(record.replies, chat)) return []
  const said = compact ? [] : [...record.replies]
  if (record.leftOut > 0) said.push(leftOutNote(record.leftOut))
  if (end.kind === 'failed') said.push(failedText(end))
  if (end.kind === 'stopped') said.push(timeoutReply(settings.turnTimeoutMs))
  const told = said.length + record.files.length > 0 || record.sends.some(({ to }) => to === undefined)
  if (end.kind === 'completed' && !end.silent && !told) said.push(NO_ANSWER)
  return said
}

function failedText({ reason, hung, tries }: FailedTurn): string {
  return hung ? hungReply(hung, tries) : failureReply(reason, tries)
}

/** What a turn had said when the next message ended it. */
function saidSoFar(record: TurnRecord, chat: OutputOptions['chat']): string[] {
  const draft = record.draft.trim()
  return draft === '' || mayBeNoReply(draft, chat)
    ? record.replies
    : [...record.replies, `${draft}\n\n${INTERRUPTED}`]
}

function usage(inboxSeq: number, record: TurnRecord, settings: RunnerSettings): OutboxEntry[] {
  if (!record.usage) return []
  const provider = settings.provider.slice(0, 50)
  return [{ type: 'usage', inboxSeq, ...record.usage, provider, model: record.usage.model.slice(0, 100) }]
}

function ending(inboxSeq: number, end: TurnEnd, settings: RunnerSettings): OutboxEntry {
  if (end.kind === 'completed') return { type: 'settled', inboxSeq, outcome: 'done' }
  if (end.kind === 'failed') {
    const reason = `${end.reason}: ${end.message}`.slice(0, MAX_REASON)
    return { type: 'settled', inboxSeq, outcome: 'failed', reason }
  }
  switch (end.by) {
    case 'cancelled':
    case 'superseded':
      return { type: 'settled', inboxSeq, outcome: 'cancelled' }
    case 'timeout': {
      const reason = `timeout: the turn took longer than ${settings.turnTimeoutMs} ms`
      return { type: 'settled', inboxSeq, outcome: 'failed', reason }
    }
    case 'shutdown':
      return { type: 'returned', inboxSeq }
  }
}
