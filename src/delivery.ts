import { type BackoffRange, backoffMs } from './backoff.ts'
import { ChannelUnreachableError, errorText, RetryAfterError } from './domain/errors.ts'
import type { ChatId, UnixMs } from './domain/ids.ts'
import type { Channel } from './domain/ports/channel.ts'
import type { Clock } from './domain/ports/clock.ts'
import type { DeliveryRow, DeliveryStore } from './domain/ports/stores.ts'
import type { Events } from './events.ts'
import type { StepResult } from './pump.ts'

export interface DeliveryPorts {
  readonly deliveries: DeliveryStore
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
}

const BACKOFF: BackoffRange = { baseMs: 1_000, maxMs: 300_000 }
/** Older than this a message is not worth surprising anybody with. */
const MAX_AGE_MS = 24 * 3_600_000
const SEND_TIMEOUT_MS = 60_000

/**
 * Step of the delivery pump: sends the oldest part of one chat, so that a chat is FIFO (I12), and records what
 * became of it. `sending` is on disk before the platform is called: after a crash we know that it may have got it.
 */
export async function deliverNext(
  chatId: ChatId,
  ports: DeliveryPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const { deliveries, channelOf, events, clock } = ports
  const row = deliveries.next(chatId)
  if (!row) return 'idle'
  const now = clock.now()
  if (row.notBefore > now) return { waitMs: row.notBefore - now }
  const channel = channelOf(row.address.channel, row.address.account)
  if (!channel) {
    fail(row, `the channel ${row.address.channel}/${row.address.account} is not configured`, ports)
    return 'again'
  }
  if (row.state === 'sending') {
    // A host that was killed, or a full disk: it was begun, and what became of it is not on record.
    const ambiguous = !channel.capabilities.idempotentSend
    deliveries.retry(row.id, {
      notBefore: now,
      spent: true,
      ambiguous,
      reason: 'the host was stopped while sending',
    })
    return 'again'
  }
  deliveries.sending(row.id)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
  let id: string
  try {
    id = await channel.send(row.address, row.part, row.key, limit)
  } catch (error) {
    return afterFailure(row, channel, error, limit.aborted, ports)
  }
  deliveries.sent(row.id, id, clock.now())
  events.sent(row.id, chatId, row.group, clock.now() - row.createdAt, row.ambiguous)
  return 'again'
}

function afterFailure(
  row: DeliveryRow,
  channel: Channel,
  error: unknown,
  cutShort: boolean,
  ports: DeliveryPorts,
): StepResult {
  const { deliveries, events, clock, random } = ports
  const reason = errorText(error)
  const now = clock.now()
  const asked = error instanceof RetryAfterError
  const unreachable = error instanceof ChannelUnreachableError
  // What the port does not promise is a bug of the channel: tried again it might be shown again and again.
  if (!asked && !unreachable && !cutShort) {
    fail(row, reason, ports)
    return 'again'
  }
  if (now - row.createdAt > MAX_AGE_MS) {
    fail(row, `given up after ${MAX_AGE_MS / 3_600_000} hours: ${reason}`, ports)
    return 'again'
  }
  const unsure = unreachable ? error.ambiguous : !asked
  const ambiguous = unsure && !channel.capabilities.idempotentSend
  const waitMs = asked ? error.delayMs : backoffMs(row.attempts + 1, BACKOFF, random)
  deliveries.retry(row.id, { notBefore: (now + waitMs) as UnixMs, spent: !asked, ambiguous, reason })
  events.sendRetried(row.id, row.chatId, waitMs, reason, ambiguous)
  return { waitMs }
}

function fail(row: DeliveryRow, reason: string, ports: DeliveryPorts): void {
  ports.deliveries.failed(row.id, reason)
  ports.events.sendFailed(row.id, row.chatId, reason)
}
