import type { CallbackQuery } from 'grammy/types'
import { type UnixMs, userId } from '../../../domain/ids.ts'
import type { InboundMessage } from '../../../domain/message.ts'
import { addressOf, nameOf, titleOf } from './convert-message.ts'

/** What a button of ours may say. Telegram's apps send whatever they are told to, so others are not heard. */
const SAYS = /^\/[a-z]{1,32} [a-z0-9 -]{1,40}$/

/**
 * A pressed button as what it says, by whoever pressed it: nothing that they could not type. `at` is now, for Telegram
 * does not tell when. Pure; undefined for what is no button of ours.
 */
export function convertPress(press: CallbackQuery, account: string, at: UnixMs): InboundMessage | undefined {
  const { message, data, from } = press
  if (message === undefined || data === undefined || !SAYS.test(data)) return undefined
  return {
    address: addressOf(message, account),
    chatKind: message.chat.type === 'private' ? 'private' : 'group',
    chatTitle: titleOf(message.chat),
    platformMessageId: `press:${press.id}`,
    sender: { id: userId('telegram', String(from.id)), name: nameOf(from), isBot: from.is_bot },
    text: data,
    sentAt: at,
    mentionsUs: true,
  }
}
