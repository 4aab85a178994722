import {
  ChannelRefusedError,
  ChannelUnreachableError,
  CreelError,
  RetryAfterError,
} from '../domain/errors.ts'
import type { ChatId } from '../domain/ids.ts'
import type { ChatAddress } from '../domain/message.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { ChatMessages } from '../domain/ports/chat-messages.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DeliveryStore, DirectoryStore } from '../domain/ports/stores.ts'

/** What tools work with that look at a chat or change something in it. */
export interface ChatPorts {
  readonly messages: ChatMessages
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly deliveries: Pick<DeliveryStore, 'add' | 'queuedOf'>
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly clock: Clock
  /** There is something to send to this chat. */
  readonly nudgeDelivery: (chatId: ChatId) => void
}

/** A platform's answer to a change must come while the tool waits for it. */
const PLATFORM_MS = 6_000

/** The channel of a chat. Throws CreelError when it is not there any more. */
export function channelAt({ channelOf }: Pick<ChatPorts, 'channelOf'>, to: ChatAddress): Channel {
  const channel = channelOf(to.channel, to.account)
  if (channel) return channel
  throw new CreelError('unavailable', `Not done: the channel ${to.channel} is not set up any more.`)
}

/** Asks the platform for one change; what it answers becomes words for the model. Doing it again is harmless. */
export async function onPlatform(call: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const limit = AbortSignal.timeout(PLATFORM_MS)
  try {
    await call(limit)
  } catch (error) {
    if (error instanceof ChannelRefusedError)
      throw new CreelError('invalid', `Not done: ${error.message}.`, { cause: error })
    if (error instanceof RetryAfterError) {
      const seconds = Math.ceil(error.delayMs / 1000)
      throw new CreelError('unavailable', `Not done: the platform asks to wait ${seconds} s.`, {
        cause: error,
      })
    }
    if (error instanceof ChannelUnreachableError || limit.aborted)
      throw new CreelError('unavailable', 'Not known whether it was done: the platform did not answer.', {
        hint: 'You may do it once more.',
        cause: error,
      })
    throw error
  }
}
