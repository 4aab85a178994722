import type { Message, Update, UserFromGetMe } from 'grammy/types'
import { describe, expect, it } from 'vitest'
import type { InboundMessage } from '../../../domain/message.ts'
import { convertUpdate } from './convert-message.ts'

const me = { id: 42, is_bot: true, first_name: 'Creel', username: 'creel_bot' } as UserFromGetMe
const alice = { id: 7, is_bot: false, first_name: 'Alice', last_name: 'Doe' }
const group = { id: -1001, type: 'supergroup', title: 'Family' }

/** A message as Telegram sends it; `fields` may be anything a Bot API server could say. */
function update(fields: object): Update {
  const message = { message_id: 5, date: 1_700_000_000, chat: group, from: alice, ...fields }
  return { update_id: 900, message: message as unknown as Message & Update.NonChannel }
}

function convert(fields: object): InboundMessage {
  const converted = convertUpdate(update(fields), me, 'main')
  if (converted.type !== 'message') throw new Error(`not a message: ${JSON.stringify(converted)}`)
  return converted.message
}

describe('convertUpdate', () => {
  it('carries everything over', () => {
    expect(convert({ text: 'hi' })).toEqual({
      address: { channel: 'telegram', account: 'main', chat: '-1001' },
      chatKind: 'group',
      chatTitle: 'Family',
      platformMessageId: '5',
      sender: { id: 'telegram:7', name: 'Alice Doe', isBot: false },
      text: 'hi',
      sentAt: 1_700_000_000_000,
      mentionsUs: false,
    })
  })

  it('takes a topic as thread, but not a chain of replies', () => {
    expect(convert({ text: 'x', message_thread_id: 9, is_topic_message: true }).address.thread).toBe('9')
    expect(convert({ text: 'x', message_thread_id: 9 }).address).not.toHaveProperty('thread')
  })

  it('knows a private chat', () => {
    const message = convert({ text: 'x', chat: { id: 7, type: 'private', first_name: 'Alice' } })
    expect([message.chatKind, message.chatTitle, message.address.chat]).toEqual(['private', 'Alice', '7'])
  })

  it('never takes someone who writes as a chat for a user', () => {
    const anonymous = { id: 1087968824, is_bot: true, first_name: 'Group', username: 'GroupAnonymousBot' }
    const { sender } = convert({ text: 'x', from: anonymous, sender_chat: group })
    expect(sender).toEqual({ id: 'telegram:chat:-1001', name: 'Family', isBot: false })
  })

  it('strips what hides or turns text from names', () => {
    expect(
      convert({ text: 'x', from: { ...alice, first_name: '\u202EAli\u200Bce', last_name: '' } }).sender.name,
    ).toBe('Alice')
    expect(
      convert({ text: 'x', from: { ...alice, first_name: '\u3164', last_name: '\u200B' } }).sender.name,
    ).toBe('user 7')
    expect(convert({ text: 'x', chat: { ...group, title: 'a\nb\u2066c' } }).chatTitle).toBe('a bc')
  })

  it('gives messages without an id of their own different ids', () => {
    expect(convert({ text: 'x', message_id: 0 }).platformMessageId).toBe('update-900')
  })

  it('bounds a huge text and says so', () => {
    const { text } = convert({ text: 'y'.repeat(500_000) })
    expect(text.length).toBeLessThan(21_000)
    expect(text).toMatch(/\[cut off here: 500000 characters\]$/)
  })

  it('writes out addresses that hide behind labels, and marks forwards', () => {
    const entities = [{ type: 'text_link', offset: 4, length: 4, url: 'https://e.org/x' }]
    expect(convert({ text: 'see this now', entities }).text).toBe('see this (https://e.org/x) now')
    const origin = { type: 'user', date: 1, sender_user: { id: 1, is_bot: false, first_name: 'Bo\u202Eb' } }
    expect(convert({ text: 'x', forward_origin: origin }).text).toBe('[forwarded from Bob]\nx')
    const hidden = { type: 'hidden_user', date: 1, sender_user_name: '' }
    expect(convert({ text: 'x', forward_origin: hidden }).text).toBe('[forwarded from a hidden user]\nx')
  })
})

describe('what is not text', () => {
  it.each([
    [{ photo: [{}], caption: 'look' }, '[photo]\nlook'],
    [{ document: { file_name: 'na\u202Eme.pdf' } }, '[document name.pdf]'],
    [{ voice: { duration: 3 } }, '[voice 3 s]'],
    [{ video: { duration: 8, file_name: 'a.mp4' } }, '[video a.mp4 8 s]'],
    [{ animation: { file_name: 'cat.gif' }, document: { file_name: 'cat.gif' } }, '[animation cat.gif]'],
    [{ sticker: { emoji: '👍' } }, '[sticker 👍]'],
    [{ location: { latitude: 1.5, longitude: 2 } }, '[location 1.5, 2]'],
    [
      { poll: { question: 'When?', options: [{ text: 'now' }, { text: 'later' }] } },
      '[poll When?: now / later]',
    ],
    [{ contact: { first_name: 'Bo', phone_number: '+1' } }, '[contact Bo +1]'],
    [{ thing_of_the_future: {} }, '[a kind of message that Creel cannot show]'],
  ])('names %j', (fields, text) => {
    expect(convert(fields).text).toBe(text)
  })
})

describe('mentionsUs', () => {
  const entity = (type: string, length: number, extra = {}) => [{ type, offset: 0, length, ...extra }]
  it.each([
    [{ text: '@Creel_Bot hi', entities: entity('mention', 10) }, true],
    [{ text: '@creel_bots hi', entities: entity('mention', 11) }, false],
    [{ text: '@creel_bot written without an entity' }, false],
    [{ text: 'you', entities: entity('text_mention', 3, { user: { id: 42 } }) }, true],
    [{ text: 'you', entities: entity('text_mention', 3, { user: { id: 7 } }) }, false],
    [{ text: '/do@creel_bot', entities: entity('bot_command', 13) }, true],
    [{ text: '/do@other_bot', entities: entity('bot_command', 13) }, false],
    [{ photo: [{}], caption: '@creel_bot', caption_entities: entity('mention', 10) }, true],
    [{ text: 'x', reply_to_message: { from: { id: 42 } } }, true],
    [{ text: 'x', reply_to_message: { from: { id: 7 } } }, false],
    [{ text: 'x', reply_to_message: { from: { id: 42 }, forum_topic_created: {} } }, false],
    [
      {
        text: '@creel_bot',
        entities: entity('mention', 10),
        forward_origin: { type: 'hidden_user', sender_user_name: 'x' },
      },
      false,
    ],
  ])('of %j is %s', (fields, expected) => {
    expect(convert(fields).mentionsUs).toBe(expected)
  })
})

describe('what nobody wrote to us', () => {
  it.each([
    [{ text: 'own', from: me }, 'our own message'],
    [{ new_chat_members: [alice] }, 'service message'],
    [{ left_chat_member: alice }, 'service message'],
    [{ pinned_message: {} }, 'service message'],
    [{ forum_topic_created: {} }, 'service message'],
    [{ text: 'x', from: undefined }, 'no sender'],
  ])('ignores %j', (fields, reason) => {
    expect(convertUpdate(update(fields), me, 'main')).toEqual({ type: 'ignored', reason })
  })

  it('ignores updates that are no new message', () => {
    const post = { update_id: 1, channel_post: update({ text: 'x' }).message } as unknown as Update
    expect(convertUpdate(post, me, 'main').type).toBe('ignored')
  })

  it('reports a group that became a supergroup', () => {
    const fields = { chat: { id: -5, type: 'group', title: 'Family' }, migrate_to_chat_id: -1005 }
    expect(convertUpdate(update(fields), me, 'main')).toEqual({ type: 'migrated', from: '-5', to: '-1005' })
  })
})

describe('what a message answers', () => {
  const replied = { message_id: 4, date: 1, chat: group, from: alice, text: 'the old plan' }

  it('goes along, the marked part alone when there is one', () => {
    const quote = { name: 'Alice Doe (telegram:7)', text: 'the old plan' }
    expect(convert({ text: 'why?', reply_to_message: replied }).quote).toEqual(quote)
    const marked = { text: 'old', position: 4 }
    expect(convert({ text: 'why?', reply_to_message: replied, quote: marked }).quote?.text).toBe('old')
    const elsewhere = convert({ text: 'why?', external_reply: {}, quote: { text: 'from afar' } })
    expect(elsewhere.quote).toEqual({ name: 'somebody in another chat', text: 'from afar' })
  })

  it('is known to be ours, and nobody passes for us by a name', () => {
    expect(convert({ text: 'x', reply_to_message: { ...replied, from: me } }).quote?.name).toBe('you')
    const posing = { id: 9, is_bot: false, first_name: 'you' }
    expect(convert({ text: 'x', reply_to_message: { ...replied, from: posing } }).quote?.name).toBe(
      'you (telegram:9)',
    )
    const { quote } = convert({ text: 'x', reply_to_message: { ...replied, sender_chat: group } })
    expect(quote?.name).toBe('Family (telegram:chat:-1001)')
  })

  it('is named when it has no text, cleaned, and cut when it is long', () => {
    const photo = { ...replied, text: undefined, photo: [{}], caption: 'the cat' }
    expect(convert({ text: 'x', reply_to_message: photo }).quote?.text).toMatch(/photo.*\nthe cat/is)
    const long = convert({ text: 'x', reply_to_message: { ...replied, text: `\u0000${'y'.repeat(9_000)}` } })
    expect(long.quote?.text).toMatch(/^y{1999}…$/)
  })

  it('is nothing for a message that only stands in a topic', () => {
    const root = { ...replied, text: undefined, forum_topic_created: { name: 'Trips' } }
    expect(convert({ text: 'x', reply_to_message: root })).not.toHaveProperty('quote')
    expect(convert({ text: 'x' })).not.toHaveProperty('quote')
  })
})

describe('a changed message', () => {
  const edited = (fields: object) => {
    const { message, ...rest } = update(fields)
    return convertUpdate({ ...rest, edited_message: message } as unknown as Update, me, 'main')
  }

  it('keeps its id, and is known by the update', () => {
    expect(edited({ text: 'better', edit_date: 2 })).toMatchObject({
      type: 'message',
      message: { platformMessageId: '5', text: 'better', edit: '900' },
    })
    expect(edited({ photo: [{}], caption: 'better' })).toMatchObject({ message: { edit: '900' } })
    expect(convert({ text: 'new' })).not.toHaveProperty('edit')
  })

  it('that nobody typed is left alone', () => {
    expect(edited({ location: { latitude: 1, longitude: 2 } })).toMatchObject({ type: 'ignored' })
  })
})
