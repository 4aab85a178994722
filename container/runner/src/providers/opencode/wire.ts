/** An error as the server tells it, in an event or on a message. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly retryable: boolean
  /** What the model API said, for telling one refusal from another. */
  readonly body: string
  readonly retryAfter: string | undefined
}

export interface AssistantMessage {
  readonly id: string
  /** The user message it answers; ids grow, so it answers every earlier one as well. */
  readonly parent: string
  readonly model: string
  readonly completed: boolean
  /** Why the model stopped: `stop`, `tool-calls`, `length`, …; absent when it was stopped. */
  readonly finish: string | undefined
  /** Written by the runtime's own compaction, not for the chat. */
  readonly internal: boolean
  readonly error: WireError | undefined
  readonly tokens: { input: number; output: number; cacheRead: number; cacheWrite: number }
  readonly costUsd: number
}

export interface Part {
  readonly id: string
  readonly message: string
  /** `text`, `reasoning`, `tool`, `step-start`, … */
  readonly kind: string
  readonly text: string
  /** Of a text: complete, as the model meant it. */
  readonly ended: boolean
  /** Text that the runtime put in, not the model. */
  readonly synthetic: boolean
  readonly tool: string
  /** Of a tool: `pending`, `running`, `completed`, `error`. */
  readonly state: string
}

/** What we use of the server's events; everything else is `other`: a sign of life. */
export type ServerEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'session-created'; readonly session: string; readonly parent: string }
  | { readonly type: 'user-message'; readonly session: string; readonly id: string }
  | { readonly type: 'assistant-message'; readonly session: string; readonly message: AssistantMessage }
  | { readonly type: 'part'; readonly session: string; readonly part: Part }
  | {
      readonly type: 'delta'
      readonly session: string
      readonly message: string
      readonly part: string
      readonly text: string
    }
  | { readonly type: 'retry'; readonly session: string; readonly message: string; readonly nextAt: number }
  | { readonly type: 'idle'; readonly session: string }
  | { readonly type: 'error'; readonly session: string; readonly error: WireError }
  | {
      readonly type: 'permission-asked'
      readonly session: string
      readonly id: string
      /** What it is for; of a tool server its tool, as the model calls it. */
      readonly permission: string
    }
  | { readonly type: 'question-asked'; readonly session: string; readonly id: string }
  | { readonly type: 'other'; readonly session: string }

/** Reads one event. Missing or odd fields become empty ones: a newer server must not stop a turn. */
export function readEvent(raw: unknown): ServerEvent {
  const type = text(raw, 'type')
  const body = field(raw, 'properties')
  const session = text(body, 'sessionID')
  switch (type) {
    case 'server.connected':
      return { type: 'connected' }
    case 'session.created':
      return { type: 'session-created', session, parent: text(field(body, 'info'), 'parentID') }
    case 'message.updated':
      return readMessage(session, field(body, 'info'))
    case 'message.part.updated':
      return { type: 'part', session, part: readPart(field(body, 'part')) }
    case 'message.part.delta':
      if (text(body, 'field') !== 'text') return { type: 'other', session }
      return {
        type: 'delta',
        session,
        message: text(body, 'messageID'),
        part: text(body, 'partID'),
        text: text(body, 'delta'),
      }
    case 'session.status':
      return readStatus(session, field(body, 'status'))
    case 'session.idle':
      return { type: 'idle', session }
    case 'session.error':
      return { type: 'error', session, error: readError(field(body, 'error')) }
    case 'permission.asked':
      return { type: 'permission-asked', session, id: text(body, 'id'), permission: text(body, 'permission') }
    case 'question.asked':
      return { type: 'question-asked', session, id: text(body, 'id') }
    default:
      return { type: 'other', session }
  }
}

/** Reads a session's stored messages as the events that told of them; a message and then its parts. */
export function readHistory(raw: unknown): ServerEvent[] {
  return list(raw).flatMap((entry) => {
    const info = field(entry, 'info')
    const session = text(info, 'sessionID')
    const parts = list(field(entry, 'parts')).map(
      (part): ServerEvent => ({ type: 'part', session, part: readPart(part) }),
    )
    const message = readMessage(session, info)
    // A finished message is told after its parts, as in the stream, so that its text is complete by then.
    if (message.type !== 'assistant-message') return [message, ...parts]
    const open: ServerEvent = { ...message, message: { ...message.message, completed: false } }
    return [open, ...parts, message]
  })
}

/** Whether a session is at work, from the answer to `GET /session/status`, which leaves idle ones out. */
export function isBusy(statuses: unknown, session: string): boolean {
  const status = field(statuses, session)
  return status !== undefined && text(status, 'type') !== 'idle'
}

function readStatus(session: string, status: unknown): ServerEvent {
  // An idle status is always followed by `session.idle`.
  if (text(status, 'type') !== 'retry') return { type: 'other', session }
  return { type: 'retry', session, message: text(status, 'message'), nextAt: count(status, 'next') }
}

function readMessage(session: string, info: unknown): ServerEvent {
  const id = text(info, 'id')
  if (text(info, 'role') !== 'assistant') return { type: 'user-message', session, id }
  const tokens = field(info, 'tokens')
  const cache = field(tokens, 'cache')
  const error = field(info, 'error')
  const message: AssistantMessage = {
    id,
    parent: text(info, 'parentID'),
    model: text(info, 'modelID'),
    completed: field(field(info, 'time'), 'completed') !== undefined,
    finish: text(info, 'finish') || undefined,
    internal: field(info, 'summary') === true || text(info, 'mode') === 'compaction',
    error: error === undefined ? undefined : readError(error),
    tokens: {
      input: count(tokens, 'input'),
      output: count(tokens, 'output') + count(tokens, 'reasoning'),
      cacheRead: count(cache, 'read'),
      cacheWrite: count(cache, 'write'),
    },
    costUsd: amount(info, 'cost'),
  }
  return { type: 'assistant-message', session, message }
}

function readPart(raw: unknown): Part {
  return {
    id: text(raw, 'id'),
    message: text(raw, 'messageID'),
    kind: text(raw, 'type'),
    text: text(raw, 'text'),
    ended: field(field(raw, 'time'), 'end') !== undefined,
    synthetic: field(raw, 'synthetic') === true || field(raw, 'ignored') === true,
    tool: text(raw, 'tool'),
    state: text(field(raw, 'state'), 'status'),
  }
}

function readError(raw: unknown): WireError {
  const data = field(raw, 'data')
  const status = count(data, 'statusCode')
  return {
    name: text(raw, 'name'),
    message: text(data, 'message'),
    status: status === 0 ? undefined : status,
    retryable: field(data, 'isRetryable') === true,
    body: text(data, 'responseBody'),
    retryAfter: text(field(data, 'responseHeaders'), 'retry-after') || undefined,
  }
}

/** A property of anything; undefined when there is none. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}

/** A text property of anything; empty when there is none. */
export function text(value: unknown, name: string): string {
  const found = field(value, name)
  return typeof found === 'string' ? found : ''
}

function amount(value: unknown, name: string): number {
  const found = field(value, name)
  return typeof found === 'number' && Number.isFinite(found) && found > 0 ? found : 0
}

function count(value: unknown, name: string): number {
  return Math.round(amount(value, name))
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
