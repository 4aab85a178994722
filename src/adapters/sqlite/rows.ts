// Rows as host.db returns them, and how they become domain values.
import type { ChatId, DeliveryId, GroupName, InboundId, UnixMs, UserId } from '../../domain/ids.ts'
import type { ChatAddress, ChatKind } from '../../domain/message.ts'
import type {
  ChatRow,
  DeliveryRow,
  DeliveryState,
  InboundRow,
  InboundState,
} from '../../domain/ports/stores.ts'

interface AddressColumns {
  channel: string
  account: string
  chat: string
}

export interface InboundColumns extends AddressColumns {
  quote_name: string | null
  quote_text: string | null
  id: number
  chat_id: number
  thread: string
  kind: string
  title: string
  sender_id: string
  sender_name: string
  is_bot: number
  text: string
  mentions_us: number
  sent_at: number
  received_at: number
  state: string
  reason: string | null
  gather_until: number
  from_host: number
  from_agent: string | null
  late_ms: number
  urgent: number
}

/** Deliveries that are still to be sent; written like this wherever an index on it is to be used. */
export const UNSENT = "state IN ('queued', 'sending', 'unknown_after_send')"

/** Everything an InboundRow needs, to be completed with WHERE. */
export const SELECT_INBOUND = `
  SELECT i.quote_name, i.quote_text,
         i.id, i.chat_id, i.thread, c.channel, c.account, c.chat, c.kind, c.title,
         i.sender_id, i.sender_name, p.is_bot, i.text, i.mentions_us, i.sent_at, i.received_at, i.state, i.reason,
         i.gather_until, i.from_host, i.from_agent, i.late_ms, i.urgent
  FROM inbound i JOIN chat c ON c.id = i.chat_id JOIN person p ON p.id = i.sender_id`

/** The same through an index that the planner would not choose: it counts rows of all states alike. */
export function selectInboundBy(index: string): string {
  return SELECT_INBOUND.replace('FROM inbound i ', `FROM inbound i INDEXED BY ${index} `)
}

export function toInboundRow(row: InboundColumns): InboundRow {
  const { quote_name: name, quote_text: text } = row
  return {
    ...(name === null || text === null ? {} : { quote: { name, text } }),
    id: row.id as InboundId,
    chatId: row.chat_id as ChatId,
    address: toAddress(row, row.thread),
    chatKind: row.kind as ChatKind,
    chatTitle: row.title,
    senderId: row.sender_id as UserId,
    senderName: row.sender_name,
    senderIsBot: row.is_bot === 1,
    text: row.text,
    mentionsUs: row.mentions_us === 1,
    sentAt: row.sent_at as UnixMs,
    receivedAt: row.received_at as UnixMs,
    state: row.state as InboundState,
    reason: row.reason,
    gatherUntil: row.gather_until as UnixMs,
    ...(row.from_host === 1 ? { fromHost: true as const } : {}),
    ...(row.from_agent === null ? {} : { fromAgent: row.from_agent }),
    lateMs: row.late_ms,
    urgent: row.urgent === 1,
  }
}

export interface DeliveryColumns extends AddressColumns {
  id: number
  chat_id: number
  thread: string
  part: string
  key: string
  group_name: string | null
  state: string
  ambiguous: number
  attempts: number
  not_before: number
  waits_since: number
  queued_at: number
  reason: string | null
  file: string | null
  unrendered: number
}

export const SELECT_DELIVERY = `
  SELECT d.id, d.chat_id, d.thread, c.channel, c.account, c.chat, d.part, d.key, d.group_name, d.state,
         d.ambiguous, d.attempts, d.not_before, d.waits_since,
         coalesce(d.requeued_at, d.created_at) AS queued_at, d.reason, d.file, d.unrendered
  FROM delivery d JOIN chat c ON c.id = d.chat_id`

export function toDeliveryRow(row: DeliveryColumns): DeliveryRow {
  return {
    id: row.id as DeliveryId,
    chatId: row.chat_id as ChatId,
    address: toAddress(row, row.thread),
    part: row.part,
    key: row.key,
    group: row.group_name as GroupName | null,
    state: row.state as DeliveryState,
    ambiguous: row.ambiguous === 1,
    attempts: row.attempts,
    notBefore: row.not_before as UnixMs,
    waitsSince: row.waits_since as UnixMs,
    queuedAt: row.queued_at as UnixMs,
    reason: row.reason,
    file: row.file,
    unrendered: row.unrendered === 1,
  }
}

export interface ChatColumns extends AddressColumns {
  id: number
  kind: string
  title: string
  denied: number
}

export function toChatRow(row: ChatColumns): ChatRow {
  return {
    id: row.id as ChatId,
    address: toAddress(row, ''),
    kind: row.kind as ChatKind,
    title: row.title,
    denied: row.denied === 1,
  }
}

function toAddress(row: AddressColumns, thread: string): ChatAddress {
  const { channel, account, chat } = row
  return thread === '' ? { channel, account, chat } : { channel, account, chat, thread }
}
