import { errorText } from './domain/errors.ts'
import type { ChatId } from './domain/ids.ts'
import type { Channel } from './domain/ports/channel.ts'
import type { Clock } from './domain/ports/clock.ts'
import type { InboundStore } from './domain/ports/stores.ts'
import type { Events } from './events.ts'

export interface IntakePorts {
  readonly inbound: Pick<InboundStore, 'record' | 'chatOf'>
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
  const { inbound, events, clock } = ports
  try {
    await channel.receive((message) => {
      const result = inbound.record(message, clock.now())
      events.received(`${channel.name}:${message.address.chat}`, message.platformMessageId, result)
      const chatId = result === 'new' ? inbound.chatOf(message.address) : null
      if (chatId !== null) ports.nudge(chatId)
      return result
    }, signal)
  } catch (error) {
    ports.gaveUp(channel, errorText(error), error)
  }
}
