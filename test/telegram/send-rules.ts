import { z } from 'zod'

const Payload = z.looseObject({
  chat_id: z.coerce.string(),
  text: z.string().default(''),
  message_thread_id: z.coerce.number().optional(),
  reply_markup: z
    .looseObject({
      inline_keyboard: z.array(
        z.array(
          z.object({ text: z.string(), callback_data: z.string().optional(), url: z.string().optional() }),
        ),
      ),
    })
    .optional(),
  entities: z.array(z.looseObject({ type: z.string(), offset: z.number(), length: z.number() })).default([]),
})

/** What the emulator knows of its chats. */
export interface KnownChats {
  readonly chats: ReadonlySet<string>
  /** `chat/thread`. */
  readonly threads: ReadonlySet<string>
  readonly blocked: ReadonlySet<string>
}

/** Telegram's refusal of a sendMessage in Telegram's words, or undefined. The emulator itself takes anything. */
export function refusalOf(body: unknown, known: KnownChats): { status: number; text: string } | undefined {
  const payload = Payload.parse(body)
  if (!known.chats.has(payload.chat_id)) return bad('chat not found')
  if (known.blocked.has(payload.chat_id)) {
    return { status: 403, text: 'Forbidden: bot was blocked by the user' }
  }
  const thread = payload.message_thread_id
  if (thread !== undefined && !known.threads.has(`${payload.chat_id}/${thread}`)) {
    return bad('message thread not found')
  }
  if (payload.text.trim() === '') return bad('message text is empty')
  if (payload.text.length > 4096) return bad('message is too long')
  for (const { callback_data: data = '', url } of payload.reply_markup?.inline_keyboard.flat() ?? []) {
    if (url !== undefined && !url.startsWith('https://')) return bad('BUTTON_URL_INVALID')
    if (url === undefined && (data === '' || Buffer.byteLength(data) > 64)) return bad('BUTTON_DATA_INVALID')
  }
  const end = (entity: { offset: number; length: number }) => entity.offset + entity.length
  for (const entity of payload.entities) {
    if (entity.length < 1 || entity.offset < 0 || end(entity) > payload.text.length) {
      return bad("can't parse entities: entity is out of the text")
    }
    const crossing = payload.entities.some(
      (other) => other.offset > entity.offset && other.offset < end(entity) && end(other) > end(entity),
    )
    if (crossing) return bad("can't parse entities: entities cross")
  }
  return undefined
}

const Change = z.looseObject({
  chat_id: z.coerce.string(),
  message_id: z.coerce.number(),
  text: z.string().default(''),
})

/** Telegram's refusal of a change to one of the bot's messages, or undefined. */
export function changeRefusalOf(
  method: 'editMessageText' | 'deleteMessage',
  body: unknown,
  sent: readonly { chat_id: string; message_id: number; text: string }[],
): { status: number; text: string } | undefined {
  const { chat_id, message_id, text } = Change.parse(body)
  const message = sent.find((known) => known.chat_id === chat_id && known.message_id === message_id)
  if (method === 'deleteMessage') return message ? undefined : bad('message to delete not found')
  if (!message) return bad('message to edit not found')
  if (message.text === text) {
    return bad('message is not modified: specified new message content is exactly the same')
  }
  return undefined
}

function bad(text: string): { status: number; text: string } {
  return { status: 400, text: `Bad Request: ${text}` }
}
