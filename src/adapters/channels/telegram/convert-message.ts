import type { Chat, Message, MessageEntity, MessageOrigin, Update, User, UserFromGetMe } from 'grammy/types'
import { type UnixMs, userId } from '../../../domain/ids.ts'
import type { ChatAddress, InboundMessage, Sender } from '../../../domain/message.ts'
import { cleanName, cleanText } from '../../../markdown/clean-text.ts'
import { describeContent, isServiceMessage } from './describe-content.ts'
import { filesOf } from './message-files.ts'
import { quoteOf } from './quoted-message.ts'

/** Telegram's own limit is 4096; another Bot API server may say more. */
const MAX_INBOUND_UNITS = 20_000

/** What an update means to us. */
export type Converted =
  | { readonly type: 'message'; readonly message: InboundMessage }
  | { readonly type: 'migrated'; readonly from: string; readonly to: string }
  | { readonly type: 'ignored'; readonly reason: string }

/** One Telegram update in Creel's words. Pure. */
export function convertUpdate(update: Update, me: UserFromGetMe, account: string): Converted {
  const message = update.message ?? changedText(update)
  if (message === undefined) return { type: 'ignored', reason: 'not a new message' }
  if (message.migrate_to_chat_id !== undefined) {
    return { type: 'migrated', from: String(message.chat.id), to: String(message.migrate_to_chat_id) }
  }
  if (message.from?.id === me.id) return { type: 'ignored', reason: 'our own message' }
  if (isServiceMessage(message)) return { type: 'ignored', reason: 'service message' }
  const sender = senderOf(message)
  if (sender === undefined) return { type: 'ignored', reason: 'no sender' }
  const quote = quoteOf(message, me)
  const files = filesOf(message, me.id)
  return {
    type: 'message',
    message: {
      address: addressOf(message, account),
      chatKind: message.chat.type === 'private' ? 'private' : 'group',
      chatTitle: titleOf(message.chat),
      // Ephemeral and scheduled messages all carry the id 0, which would make duplicates of them.
      platformMessageId: message.message_id === 0 ? `update-${update.update_id}` : String(message.message_id),
      sender,
      text: textOf(message),
      sentAt: (message.date * 1000) as UnixMs,
      mentionsUs: mentions(message, me),
      ...(quote === undefined ? {} : { quote }),
      ...(update.message === undefined ? { edit: String(update.update_id) } : {}),
      ...(files.length === 0 ? {} : { files }),
      ...(message.media_group_id === undefined ? {} : { album: message.media_group_id.slice(0, 100) }),
    },
  }
}

/** Telegram also tells of changes that nobody typed: a live location that moves, a poll that is voted in. */
function changedText({ edited_message: edited }: Update): Message | undefined {
  return edited?.text === undefined && edited?.caption === undefined ? undefined : edited
}

/** Where a message stands. */
export function addressOf(
  message: Pick<Message, 'chat'> & { is_topic_message?: boolean; message_thread_id?: number },
  account: string,
): ChatAddress {
  const address = { channel: 'telegram', account, chat: String(message.chat.id) }
  // Without is_topic_message the thread id only names a chain of replies.
  const topic = message.is_topic_message === true ? message.message_thread_id : undefined
  return topic === undefined ? address : { ...address, thread: String(topic) }
}

/**
 * Who wrote it. Someone who writes as a chat (an anonymous admin, a linked channel) gets that chat's id, in a
 * form that no person's id can have: the `from` of such a message is a fake user shared by all of them.
 */
function senderOf(message: Message): Sender | undefined {
  const chat = message.sender_chat
  if (chat !== undefined) {
    return { id: userId('telegram', `chat:${chat.id}`), name: titleOf(chat), isBot: false }
  }
  const user = message.from
  if (user === undefined) return undefined
  return { id: userId('telegram', String(user.id)), name: nameOf(user), isBot: user.is_bot }
}

/** Of a person, for display. */
export function nameOf(user: User): string {
  const name = cleanName(`${user.first_name} ${user.last_name ?? ''}`)
  return name === '' ? cleanName(user.username ?? '') || `user ${user.id}` : name
}

/** Of a chat, for display. */
export function titleOf(chat: Chat): string {
  const name = chat.title ?? `${chat.first_name ?? ''} ${chat.last_name ?? ''}`
  return cleanName(name, 128) || `chat ${chat.id}`
}

function textOf(message: Message): string {
  const written = withAddresses(
    message.text ?? message.caption ?? '',
    message.entities ?? message.caption_entities ?? [],
  )
  const origin = message.forward_origin
  const lines = [
    origin === undefined ? '' : `[forwarded from ${originName(origin)}]`,
    describeContent(message),
    written,
  ]
  const text = cleanText(lines.filter((line) => line !== '').join('\n'))
  if (text.length <= MAX_INBOUND_UNITS) return text
  return `${cleanText(text.slice(0, MAX_INBOUND_UNITS))}\n[cut off here: ${text.length} characters]`
}

/** Addresses that hide behind a label are written out, so that the agent reads what the person may click. */
function withAddresses(text: string, entities: readonly MessageEntity[]): string {
  let result = text
  for (const entity of entities.toReversed()) {
    if (entity.type !== 'text_link') continue
    const end = entity.offset + entity.length
    if (text.slice(entity.offset, end) === entity.url) continue
    result = `${result.slice(0, end)} (${entity.url})${result.slice(end)}`
  }
  return result
}

function originName(origin: MessageOrigin): string {
  switch (origin.type) {
    case 'user':
      return nameOf(origin.sender_user)
    case 'hidden_user':
      return cleanName(origin.sender_user_name) || 'a hidden user'
    case 'chat':
      return titleOf(origin.sender_chat)
    case 'channel':
      return titleOf(origin.chat)
    default:
      return 'elsewhere'
  }
}

/** A mention inside something forwarded was not written by who forwards it, so it does not address us. */
function mentions(message: Message, me: UserFromGetMe): boolean {
  const replied = message.reply_to_message
  // In a topic, every message that replies to nothing "replies" to the message that made the topic.
  if (replied?.from?.id === me.id && replied.forum_topic_created === undefined) return true
  if (message.forward_origin !== undefined) return false
  const text = message.text ?? message.caption ?? ''
  const ours = `@${me.username}`.toLowerCase()
  return (message.entities ?? message.caption_entities ?? []).some((entity) => {
    if (entity.type === 'text_mention') return entity.user.id === me.id
    const said = text.slice(entity.offset, entity.offset + entity.length).toLowerCase()
    if (entity.type === 'mention') return said === ours
    return entity.type === 'bot_command' && said.endsWith(ours)
  })
}
