import type { InboxMessage, QueueMode } from '@creel/protocol'

/** Messages that share one turn; more of them wait for the next. */
export const MAX_TOGETHER = 50
/** Their texts together, in UTF-16 units. */
const MAX_TOGETHER_TEXT = 200_000

/** A message that waits for a turn. */
export interface Queued {
  readonly message: InboxMessage
  /** A turn with it has died before: it runs by itself, so that it can take no other message down with it. */
  readonly suspect: boolean
}

/** What is asked of the runtime itself waits for a turn of its own. */
export function queueMode(message: InboxMessage): QueueMode {
  return message.command === undefined ? (message.queue ?? 'follow_up') : 'follow_up'
}

/** How many of the waiting messages of a session, oldest first, become one turn; at least one. Pure. */
export function turnTogether(waiting: readonly Queued[]): number {
  const [first] = waiting
  if (!first || first.suspect) return 1
  let room = MAX_TOGETHER_TEXT
  const end = waiting.slice(0, MAX_TOGETHER).findIndex((next) => {
    room -= next.message.text.length
    return room < 0 || !shares(first, next) || !samePlace(first.message, next.message)
  })
  return Math.max(1, end < 0 ? Math.min(waiting.length, MAX_TOGETHER) : end)
}

/** Whether a message may go into the turn that `first` began: its answers go to where `first` came from. Pure. */
export function maySteer(first: InboxMessage, next: Queued): boolean {
  const open = first.command === undefined && !next.suspect
  return open && queueMode(next.message) === 'steer' && samePlace(first, next.message)
}

function shares(first: Queued, next: Queued): boolean {
  const { bundle, command } = next.message
  const bundled = bundle !== undefined && bundle === first.message.bundle && command === undefined
  return (bundled && !next.suspect) || (mayShare(first) && mayShare(next))
}

function mayShare({ message, suspect }: Queued): boolean {
  const mode = queueMode(message)
  return !suspect && (mode === 'collect' || mode === 'interrupt')
}

function samePlace(one: InboxMessage, other: InboxMessage): boolean {
  return one.chat.channel === other.chat.channel && one.chat.thread === other.chat.thread
}
