import { MAX_QUOTE } from '@creel/protocol'
import type { Message, UserFromGetMe } from 'grammy/types'
import type { Quote } from '../../../domain/message.ts'
import { cleanName, cleanText } from '../../../markdown/clean-text.ts'
import { describeContent } from './describe-content.ts'

/** What a message answers: the part that the person marked, else the whole; undefined when it answers nothing. */
export function quoteOf(message: Message, me: UserFromGetMe): Quote | undefined {
  const replied = message.reply_to_message
  // In a topic, every message that replies to nothing "replies" to the message that made the topic.
  if (replied?.forum_topic_created !== undefined) return undefined
  const marked = message.quote?.text
  const whole = replied === undefined ? '' : wholeText(replied)
  const text = cleanText(marked ?? whole)
  if (text.trim() === '') return undefined
  const cut = text.length > MAX_QUOTE ? `${cleanText(text.slice(0, MAX_QUOTE - 1))}…` : text
  return { name: authorOf(replied, me), text: cut }
}

function wholeText(replied: Message): string {
  return [describeContent(replied), replied.text ?? replied.caption ?? '']
    .filter((part) => part !== '')
    .join('\n')
}

/** With the id of who it is: nobody can pass for the agent by a name. */
function authorOf(replied: Message | undefined, me: UserFromGetMe): string {
  if (replied === undefined) return 'somebody in another chat'
  const { from: user, sender_chat: chat } = replied
  if (user?.id === me.id) return 'you'
  const name = chat ? (chat.title ?? '') : `${user?.first_name ?? ''} ${user?.last_name ?? ''}`
  const id = chat ? `telegram:chat:${chat.id}` : `telegram:${user?.id ?? 'unknown'}`
  return `${cleanName(name) || 'somebody'} (${id})`
}
