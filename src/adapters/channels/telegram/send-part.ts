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
import { keyboardOf } from './render-choices.ts'
import { readFilePart, type TelegramFilePart } from './render-file.ts'
import { entitiesOf, plainTextOf, readPart, type TelegramPart } from './render-parts.ts'
import { sendFile } from './send-file.ts'
import { checkedTarget, type Target } from './send-target.ts'

/** The chat now has another id; told by an answer to a send. */
export type OnMigrated = (from: string, to: string) => void

/** Sends one part as `Channel.send` promises. Follows a group that became a supergroup. */
export async function sendPart(
  api: Api,
  to: ChatAddress,
  part: DeliveryPart,
  signal: AbortSignal,
  { onMigrated, pathOf }: { onMigrated: OnMigrated; pathOf: (sha256: string) => string | null },
): Promise<string> {
  const content = checkedPart(part)
  const target = checkedTarget(to)
  if (signal.aborted) throw new ChannelUnreachableError('stopped before sending', { ambiguous: false })
  const send = (where: Target) =>
    'file' in content
      ? sendFile(api, where, content, pathOf(content.file.sha256), signal)
      : sendText(api, where, content, signal)
  const result = await send(target)
  if (typeof result === 'string') return result
  if (result.kind === 'answered' && result.newChat !== undefined) {
    onMigrated(to.chat, String(result.newChat))
    return sentOrThrow(await send({ chat: String(result.newChat) }))
  }
  throw sendError(result)
}

async function sendText(
  api: Api,
  target: Target,
  content: TelegramPart,
  signal: AbortSignal,
): Promise<string | ApiFailure> {
  const formatted = await attempt(api, target, content, signal)
  if (typeof formatted === 'string' || formatted.kind !== 'answered') return formatted
  if (formatted.status !== 400 || formatted.newChat !== undefined || content.entities.length === 0)
    return formatted
  // 400 means that nothing was sent. Whatever it says, formatting must not be what loses a message.
  const plain = { ...content, text: plainTextOf(content), entities: [] }
  return await attempt(api, target, plain, signal)
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
        ...(content.buttons ? { reply_markup: { inline_keyboard: keyboardOf(content) } } : {}),
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

function checkedPart(part: DeliveryPart): TelegramPart | TelegramFilePart {
  try {
    return readFilePart(part) ?? readPart(part)
  } catch (cause) {
    throw new ChannelRefusedError('this part was not rendered for Telegram', { cause })
  }
}
