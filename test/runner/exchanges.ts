import type { InboxMessage, OutboxEntry } from '@creel/protocol'
import type { Exchange } from '../../container/runner/src/transcript-entry.ts'

/** A message of Ann's in the session `one`, at five seconds past the epoch. */
export function message(text: string, more: Partial<InboxMessage> = {}): InboxMessage {
  return {
    type: 'message',
    session: 'one',
    chat: { channel: 'web', kind: 'private', title: '' },
    from: { id: 'web:1', name: 'Ann' },
    text,
    at: 5_000,
    context: [],
    attachments: [],
    ...more,
  }
}

/** An exchange that ended well a second later. */
export function exchange(
  seq: number,
  more: Partial<Exchange> & { readonly replies?: readonly string[] } = {},
): Exchange {
  const { replies = [`answer ${seq}`], ...rest } = more
  const outcome: OutboxEntry[] = replies.map((text) => ({ type: 'reply', inboxSeq: seq, text }))
  outcome.push({ type: 'settled', inboxSeq: seq, outcome: 'done' })
  return { seq, message: message(`question ${seq}`), steered: [], outcome, at: 6_000, ...rest }
}
