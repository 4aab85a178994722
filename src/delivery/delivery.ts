import { type BackoffRange, backoffMs } from '../backoff.ts'
import { ChannelUnreachableError, errorText, RetryAfterError } from '../domain/errors.ts'
import type { ChatId, UnixMs } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DeliveryRow, DeliveryStore } from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import type { StepResult } from '../pump.ts'
import type { ChannelBreaker, SendOutcome } from './channel-breaker.ts'

export interface DeliveryPorts {
  readonly deliveries: DeliveryStore
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly breaker: ChannelBreaker
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  /** A message that could not be sent in this time is given up. */
  readonly maxAgeMs: number
  /** Something failed for good: somebody should be told. */
  readonly onFailed: () => void
}

const BACKOFF: BackoffRange = { baseMs: 1_000, maxMs: 300_000 }
/**
 * A message that fails so often while its platform answers is the trouble itself, and must not hold up its chat for
 * ever. About forty minutes of tries; those against a platform that is down are not counted.
 */
const MAX_ATTEMPTS = 15
const SEND_TIMEOUT_MS = 60_000
/** 50 MB over a slow line. */
const SEND_FILE_TIMEOUT_MS = 900_000
const CHECK_TIMEOUT_MS = 15_000

/**
 * Step of the delivery pump: sends the oldest part of one chat, so that a chat is FIFO (I12), and records what
 * became of it. `sending` is on disk before the platform is called: after a crash we know that it may have got it.
 */
export async function deliverNext(
  chatId: ChatId,
  ports: DeliveryPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const { deliveries, channelOf, breaker, clock } = ports
  const row = deliveries.next(chatId)
  if (!row) return 'idle'
  const channel = channelOf(row.address.channel, row.address.account)
  if (!channel) return fail(row, `the channel ${keyOf(row)} is not configured`, ports)
  if (row.unrendered) {
    deliveries.rendered(row.id, channel.render(row.part))
    return 'again'
  }
  if (row.state === 'sending') return takeBack(row, channel, ports)
  const now = clock.now()
  if (now - row.queuedAt > ports.maxAgeMs && breaker.isOpen(keyOf(row)))
    return fail(row, `${givenUpAfter(ports)}: the channel does not answer`, ports)
  if (row.notBefore > now && now >= row.waitsSince) return { waitMs: row.notBefore - now }
  const permit = breaker.enter(keyOf(row), chatId)
  if (typeof permit === 'object') return permit
  if (permit === 'probe' && channel.check) return probe(row, channel, ports, signal)
  return send(row, channel, permit, ports, signal)
}

/** A host that was killed, or a full disk: it was begun, and what became of it is not on record. */
function takeBack(row: DeliveryRow, channel: Channel, { deliveries, clock }: DeliveryPorts): StepResult {
  const ambiguous = !channel.capabilities.idempotentSend
  const reason = 'the host was stopped while sending'
  const at = clock.now()
  deliveries.retry(row.id, { at, notBefore: at, spent: true, ambiguous, reason })
  return 'again'
}

async function probe(
  row: DeliveryRow,
  channel: Channel,
  { breaker }: DeliveryPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  let answers = false
  try {
    await channel.check?.(AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]))
    answers = true
  } catch (error) {
    // Anything else is an answer, and what it means for the message is found out by sending it.
    answers = !(error instanceof ChannelUnreachableError) && !signal.aborted
  } finally {
    breaker.probed(keyOf(row), answers)
  }
  return 'again'
}

async function send(
  row: DeliveryRow,
  channel: Channel,
  permit: 'go' | 'probe',
  ports: DeliveryPorts,
  signal: AbortSignal,
): Promise<StepResult> {
  const { deliveries, breaker, events, clock } = ports
  let outcome: SendOutcome = 'answered'
  try {
    deliveries.sending(row.id)
    const patience = row.file === null ? SEND_TIMEOUT_MS : SEND_FILE_TIMEOUT_MS
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    let id: string
    try {
      id = await channel.send(row.address, row.part, row.key, limit)
    } catch (error) {
      outcome = outcomeOf(error, limit)
      return afterFailure(row, channel, error, { cutShort: limit.aborted, counts: permit === 'go' }, ports)
    }
    const now = clock.now()
    deliveries.sent(row.id, channel.capabilities.confirmsSend ? 'confirmed' : 'accepted', id, now)
    events.sent(row.id, row.chatId, row.group, now - row.queuedAt, row.ambiguous)
    return 'again'
  } finally {
    breaker.done(keyOf(row), permit, outcome)
  }
}

function outcomeOf(error: unknown, limit: AbortSignal): SendOutcome {
  if (error instanceof RetryAfterError) return 'slow-down'
  return error instanceof ChannelUnreachableError || limit.aborted ? 'silent' : 'answered'
}

function afterFailure(
  row: DeliveryRow,
  channel: Channel,
  error: unknown,
  how: { cutShort: boolean; counts: boolean },
  ports: DeliveryPorts,
): StepResult {
  const { deliveries, events, clock, random } = ports
  const reason = errorText(error)
  const now = clock.now()
  const asked = error instanceof RetryAfterError
  const unreachable = error instanceof ChannelUnreachableError
  // What the port does not promise is a bug of the channel: tried again it might be shown again and again.
  if (!asked && !unreachable && !how.cutShort) return fail(row, reason, ports)
  if (now - row.queuedAt > ports.maxAgeMs) return fail(row, `${givenUpAfter(ports)}: ${reason}`, ports)
  const spent = !asked && how.counts
  if (spent && row.attempts + 1 >= MAX_ATTEMPTS)
    return fail(row, `given up after ${MAX_ATTEMPTS} tries: ${reason}`, ports)
  const unsure = unreachable ? error.ambiguous : !asked
  const ambiguous = unsure && !channel.capabilities.idempotentSend
  const waitMs = asked ? error.delayMs : backoffMs(row.attempts + 1, BACKOFF, random)
  // A probe's wait is the breaker's.
  const notBefore = (how.counts || asked ? now + waitMs : now) as UnixMs
  deliveries.retry(row.id, { at: now, notBefore, spent, ambiguous, reason })
  events.sendRetried(row.id, row.chatId, waitMs, reason, ambiguous)
  return { waitMs: notBefore - now }
}

function fail(row: DeliveryRow, reason: string, ports: DeliveryPorts): StepResult {
  ports.deliveries.failed(row.id, reason)
  ports.events.sendFailed(row.id, row.chatId, reason)
  if (row.group !== null) ports.onFailed()
  return 'again'
}

function givenUpAfter({ maxAgeMs }: DeliveryPorts): string {
  return `given up after ${Math.round(maxAgeMs / 3_600_000)} hours`
}

function keyOf(row: DeliveryRow): string {
  return `${row.address.channel}/${row.address.account}`
}
