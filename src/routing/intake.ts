import { errorText } from '../domain/errors.ts'
import type { ChatId } from '../domain/ids.ts'
import type { InboundMessage } from '../domain/message.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { InboundStore } from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import type { ArrivalWatch } from './catch-up.ts'

export interface IntakePorts {
  readonly inbound: Pick<InboundStore, 'record' | 'together' | 'chatOf'>
  readonly arrivals: Pick<ArrivalWatch, 'lateMs'>
  readonly events: Events
  readonly clock: Clock
  readonly nudge: (chatId: ChatId) => void
  /** The channel gave up: going on is pointless until somebody mends it. */
  readonly gaveUp: (channel: Channel, reason: string, error: unknown) => void
}

/**
 * Runs one channel until `signal` aborts: every message is on disk before the channel may acknowledge it (I1).
 * A channel that gives up (a bad token) is reported; the others go on. Never rejects.
 */
export async function runIntake(channel: Channel, ports: IntakePorts, signal: AbortSignal): Promise<void> {
  const { inbound, arrivals, events, clock } = ports
  try {
    const take = (message: InboundMessage) => {
      const at = clock.now()
      // An edit has the time of what it changes.
      const lateMs =
        message.edit === undefined
          ? arrivals.lateMs(channel.name, channel.account, { sentAt: message.sentAt, receivedAt: at })
          : 0
      const taken = bounded(message)
      const result = inbound.record(lateMs === 0 ? taken : { ...taken, lateMs }, at)
      events.received(`${channel.name}:${message.address.chat}`, message.platformMessageId, result)
      const chatId = result === 'new' ? inbound.chatOf(message.address) : null
      if (chatId !== null) ports.nudge(chatId)
      return result
    }
    const together = <T>(work: () => T) => inbound.together(work)
    await channel.receive(Object.assign(take, { together }), signal)
  } catch (error) {
    ports.gaveUp(channel, errorText(error), error)
  }
}

/** Longest text of one message that is kept; a platform's own limit is far below (I13). */
const MAX_TEXT = 100_000

function bounded(message: InboundMessage): InboundMessage {
  const cut = message.text.length - MAX_TEXT
  if (cut <= 0) return message
  return {
    ...message,
    text: `${message.text.slice(0, MAX_TEXT - 50)}\n[${cut + 50} more characters were cut off]`,
  }
}
