import { type InboxMessage, MAX_QUOTE, type Overheard, type QueueMode } from '@creel/protocol'
import type { GroupName } from './domain/ids.ts'
import type { Quote } from './domain/message.ts'
import type { Clock } from './domain/ports/clock.ts'
import type { Mailbox } from './domain/ports/mailbox.ts'
import type { SessionChoices } from './domain/ports/session-choices.ts'
import type {
  DirectoryStore,
  DispatchStore,
  InboundRow,
  InboundStore,
  PendingDispatch,
} from './domain/ports/stores.ts'
import type { Events } from './events.ts'
import type { StepResult } from './pump.ts'
import { splitSession } from './session-name.ts'

export interface DispatcherPorts {
  readonly inbound: Pick<InboundStore, 'find' | 'overheard'>
  readonly dispatches: DispatchStore
  readonly choices: Pick<SessionChoices, 'of'>
  readonly mailbox: Mailbox
  readonly directory: Pick<DirectoryStore, 'bindings'>
  readonly events: Events
  readonly clock: Clock
  readonly contextMessages: number
  /** Rings the runner and wakes the supervisor. */
  readonly nudge: (group: GroupName) => void
}

const BATCH = 50

/** Longest text given to an agent in one message; a platform's own limit is far below. */
const MAX_INBOUND_TEXT = 100_000
/** The protocol's limit: a runner refuses an inbox that holds a longer one. */
const MAX_NAME = 200

/**
 * Step of the dispatch pump: puts a group's routed messages into its inbox, in order. Repeating it after a crash
 * between the two writes is harmless: the inbox knows the key.
 */
export function dispatchNext(group: GroupName, ports: DispatcherPorts): StepResult {
  const { dispatches, mailbox, inbound, events, clock } = ports
  const pending = dispatches.pending(group, BATCH)
  if (pending.length === 0) return 'idle'
  mailbox.open(group)
  for (const dispatch of pending) {
    const row = inbound.find(dispatch.inboundId)
    if (!row) continue
    const seq = mailbox.put(
      group,
      dispatch.retries === 0 ? `message:${row.id}` : `message:${row.id}:${dispatch.retries}`,
      inboxMessage(group, dispatch, row, ports),
      clock.now(),
    )
    dispatches.placed(group, row.id, seq)
    events.placed(group, row.id, seq)
  }
  ports.nudge(group)
  return pending.length === BATCH ? 'again' : 'idle'
}

function inboxMessage(
  group: GroupName,
  dispatch: PendingDispatch,
  row: InboundRow,
  ports: DispatcherPorts,
): InboxMessage {
  const { session, epoch } = splitSession(dispatch.session)
  const choice = ports.choices.of(group, session)
  const perThread = session.includes('/thread:')
  // A message of the conversation before is still given what was said before.
  const since = choice.epoch === epoch ? choice.since : null
  const heard = () => ports.inbound.overheard(group, row, perThread, ports.contextMessages, since)
  const { thread, channel } = row.address
  return {
    type: 'message',
    session: dispatch.session,
    chat: {
      channel,
      kind: row.chatKind,
      title: row.chatTitle.slice(0, 300),
      ...(thread === undefined ? {} : { thread }),
    },
    from: { id: row.senderId, name: row.senderName.slice(0, MAX_NAME) },
    text: row.text.slice(0, MAX_INBOUND_TEXT),
    at: row.sentAt,
    attachments: [],
    // What a command took along would be lost to the next message.
    context: dispatch.command === null ? boundedContext(heard()) : [],
    ...(row.quote === undefined ? {} : { quote: boundedQuote(row.quote) }),
    ...(choice.model === null ? {} : { model: choice.model }),
    ...(choice.effort === null ? {} : { effort: choice.effort }),
    ...(dispatch.command === null ? {} : { command: dispatch.command }),
    queue: queueOf(group, dispatch, row, ports),
  }
}

/** A conversation over all chats of a group never mixes them in one turn, whose answer goes to one of them. */
function queueOf(
  group: GroupName,
  { session }: PendingDispatch,
  { chatId }: InboundRow,
  { directory }: DispatcherPorts,
): QueueMode {
  const binding = directory.bindings(chatId).find((one) => one.group === group)
  return binding === undefined || splitSession(session).session === 'group' ? 'follow_up' : binding.queue
}

function boundedQuote({ name, text }: Quote): Quote {
  return { name: name.slice(0, MAX_NAME), text: text.slice(0, MAX_QUOTE) }
}

/** The newest overheard messages that fit; the oldest go first when it is too much. */
function boundedContext(heard: readonly Overheard[]): InboxMessage['context'] {
  const kept: InboxMessage['context'] = []
  let room = MAX_INBOUND_TEXT
  for (const message of heard.toReversed()) {
    room -= message.text.length
    if (room < 0) break
    kept.unshift({ ...message, from: { ...message.from, name: message.from.name.slice(0, MAX_NAME) } })
  }
  return kept
}
