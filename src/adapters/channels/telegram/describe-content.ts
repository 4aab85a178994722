import type { Message } from 'grammy/types'
import { cleanName } from '../../../markdown/clean-text.ts'

type Describe = (message: Message) => string | undefined

/** In this order: some kinds also carry the field of a plainer kind (an animation is a document as well). */
const CONTENT: readonly Describe[] = [
  (message) => message.animation && named('animation', message.animation.file_name),
  (message) => message.video_note && `[video note ${message.video_note.duration} s]`,
  (message) => message.voice && `[voice ${message.voice.duration} s]`,
  (message) =>
    message.video && `${named('video', message.video.file_name).slice(0, -1)} ${message.video.duration} s]`,
  (message) => message.audio && named('audio', message.audio.title ?? message.audio.file_name),
  (message) => message.document && named('document', message.document.file_name),
  (message) => message.photo && '[photo]',
  (message) => message.sticker && named('sticker', message.sticker.emoji),
  (message) => message.story && '[story]',
  (message) => message.paid_media && '[paid media]',
  (message) =>
    message.contact && named('contact', `${message.contact.first_name} ${message.contact.phone_number}`),
  (message) => message.dice && `[dice ${message.dice.emoji} ${message.dice.value}]`,
  (message) => message.game && named('game', message.game.title),
  (message) => message.poll && pollText(message.poll),
  (message) => message.venue && named('venue', `${message.venue.title}, ${message.venue.address}`),
  (message) => message.location && `[location ${message.location.latitude}, ${message.location.longitude}]`,
  (message) => message.checklist && named('checklist', message.checklist.title),
  (message) => message.invoice && named('invoice', message.invoice.title),
]

/** Happenings in a chat that nobody wrote. Fields: https://core.telegram.org/bots/api#message */
const SERVICE_FIELD =
  /^(?:new_chat_|left_chat_|delete_chat_|chat_|group_chat_|supergroup_chat_|channel_chat_|community_chat_|message_auto_delete_|migrate_|pinned_message$|successful_payment$|refunded_payment$|users_shared$|connected_website$|write_access_|passport_data$|proximity_|boost_added$|forum_topic_|general_forum_topic_|giveaway|gift|unique_gift|paid_message_|direct_message_price_|suggested_post_|video_chat_|web_app_data$|checklist_tasks_|managed_bot_|poll_option_)/

/** What of a message is not text, in brackets, `[voice 3 s]`; empty for pure text. */
export function describeContent(message: Message): string {
  for (const describe of CONTENT) {
    const description = describe(message)
    if (description !== undefined) return description
  }
  return message.text === undefined && message.caption === undefined
    ? '[a kind of message that Creel cannot show]'
    : ''
}

/** Whether the message only reports a happening in the chat: a join, a new title, a pin, … */
export function isServiceMessage(message: Message): boolean {
  return Object.keys(message).some((field) => SERVICE_FIELD.test(field))
}

function named(kind: string, name: string | undefined): string {
  const clean = cleanName(name ?? '', 100)
  return clean === '' ? `[${kind}]` : `[${kind} ${clean}]`
}

function pollText(poll: NonNullable<Message['poll']>): string {
  const options = poll.options.slice(0, 20).map((option) => cleanName(option.text, 100))
  return `[poll ${cleanName(poll.question, 300)}: ${options.join(' / ')}]`
}
