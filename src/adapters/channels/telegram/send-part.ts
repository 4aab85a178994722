import type { Api } from 'grammy'
import {
  ChannelRefusedError,
  ChannelUnreachableError,
  type CreelError,
  RetryAfterError,
} from '../../../domain/errors.ts'
import type { ChatAddress } from '../../../domain/message.ts'
import type { DeliveryPart } from '../../../domain/ports/channel.ts'
import { type ApiFailure, apiFailure, isTokenRefused } from './api-failure.ts'
import { entitiesOf, plainTextOf, readPart, type TelegramPart } from './render-parts.ts'

/** The chat now has another id; told by an answer to a send. */
export type OnMigrated = (from: string, to: string) => void

/** Sends one part as `Channel.send` promises. Follows a group that became a supergroup. */
export async function sendPart(
  api: Api,
  to: ChatAddress,
  part: DeliveryPart,
  signal: AbortSignal,
  onMigrated: OnMigrated,
): Promise<string> {
  const content = checkedPart(part)
  const target = checkedTarget(to)
  if (signal.aborted) throw new ChannelUnreachableError('stopped before sending', { ambiguous: false })
  const formatted = await attempt(api, target, content, signal)
  if (typeof formatted === 'string') return formatted
  if (formatted.kind === 'answered' && formatted.newChat !== undefined) {
    onMigrated(to.chat, String(formatted.newChat))
    const moved = await attempt(api, { chat: String(formatted.newChat) }, content, signal)
    return sentOrThrow(moved)
  }
  if (formatted.kind === 'answered' && formatted.status === 400 && content.entities.length > 0) {
    // 400 means that nothing was sent. Whatever it says, formatting must not be what loses a message.
    return sentOrThrow(await attempt(api, target, { text: plainTextOf(content), entities: [] }, signal))
  }
  throw sendError(formatted)
}

interface Target {
  readonly chat: string
  readonly thread?: number
}

async function attempt(
  api: Api,
  target: Target,
  content: TelegramPart,
  signal: AbortSignal,
): Promise<string | ApiFailure> {
  try {
    const sent = await api.sendMessage(
      target.chat,
      content.text,
      {
        // A preview is fetched by Telegram: an address made up by an agent would carry data out by itself.
        link_preview_options: { is_disabled: true },
        ...(content.entities.length === 0 ? {} : { entities: entitiesOf(content) }),
        ...(target.thread === undefined ? {} : { message_thread_id: target.thread }),
      },
      // grammY types the signal by its own polyfill; Node's is compatible.
      signal as Parameters<Api['sendMessage']>[3],
    )
    return String(sent.message_id)
  } catch (error) {
    return apiFailure(error)
  }
}

function sentOrThrow(result: string | ApiFailure): string {
  if (typeof result === 'string') return result
  throw sendError(result)
}

/**
 * A 5xx is ambiguous: it says that the server, or a proxy before it, failed at a point that we do not know.
 * A refused token is not the message's fault, so the message waits for a better one.
 */
export function sendError(failure: ApiFailure): CreelError {
  if (failure.kind === 'wait') return new RetryAfterError(failure.delayMs)
  if (failure.kind === 'network') {
    return new ChannelUnreachableError(`Telegram cannot be reached: ${failure.text}`, {
      ambiguous: failure.sent,
    })
  }
  if (isTokenRefused(failure)) {
    return new ChannelUnreachableError('Telegram does not accept the bot token', { ambiguous: false })
  }
  if (failure.status >= 500) {
    return new ChannelUnreachableError(`Telegram failed: ${failure.status} ${failure.text}`, {
      ambiguous: true,
    })
  }
  return new ChannelRefusedError(`Telegram refused the message: ${failure.text}`)
}

function checkedPart(part: DeliveryPart): TelegramPart {
  try {
    return readPart(part)
  } catch (cause) {
    throw new ChannelRefusedError('this part was not rendered for Telegram', { cause })
  }
}

/** Numbers only: a chat given as `@name` would let a stored address name any public channel. */
export function checkedTarget(to: ChatAddress): Target {
  if (!/^-?\d{1,16}$/.test(to.chat)) throw new ChannelRefusedError('not a Telegram chat id')
  if (to.thread === undefined) return { chat: to.chat }
  if (!/^\d{1,16}$/.test(to.thread)) throw new ChannelRefusedError('not a Telegram topic id')
  return { chat: to.chat, thread: Number(to.thread) }
}
