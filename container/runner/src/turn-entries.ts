import type { OutboxEntry, RunnerSettings } from '@creel/protocol'
import { boundedText, failureReply, leftOutNote, NO_ANSWER, timeoutReply } from './reply-text.ts'
import type { TurnEnd, TurnRecord } from './turn-record.ts'

const MAX_REASON = 2_000

/** Everything that a finished turn leaves in the outbox, for one append: its output and its settlement. Pure. */
export function turnEntries(
  inboxSeq: number,
  record: TurnRecord,
  end: TurnEnd,
  settings: RunnerSettings,
): OutboxEntry[] {
  const replies = spoken(record, end, settings).map(
    (text): OutboxEntry => ({ type: 'reply', inboxSeq, text: boundedText(text) }),
  )
  return [...replies, ...usage(inboxSeq, record, settings), ending(inboxSeq, end, settings)]
}

/** What the message's sender gets to see, in order. */
function spoken(record: TurnRecord, end: TurnEnd, settings: RunnerSettings): string[] {
  // Cancelled: the person does not want it any more. Shutdown: the next runner says it all again.
  if (end.kind === 'stopped' && end.by !== 'timeout') return []
  const said = [...record.replies]
  if (record.leftOut > 0) said.push(leftOutNote(record.leftOut))
  if (end.kind === 'failed') said.push(failureReply(end.reason))
  if (end.kind === 'stopped') said.push(timeoutReply(settings.turnTimeoutMs))
  if (end.kind === 'completed' && !end.silent && said.length === 0) said.push(NO_ANSWER)
  return said
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
      return { type: 'settled', inboxSeq, outcome: 'cancelled' }
    case 'timeout': {
      const reason = `timeout: the turn took longer than ${settings.turnTimeoutMs} ms`
      return { type: 'settled', inboxSeq, outcome: 'failed', reason }
    }
    case 'shutdown':
      return { type: 'returned', inboxSeq }
  }
}
