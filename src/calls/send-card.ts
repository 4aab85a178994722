import * as z from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { Channel, LinkButton } from '../domain/ports/channel.ts'
import { type CallHandler, callHandler } from './call-handler.ts'
import type { ChatPorts } from './chat-ports.ts'

const Line = (max: number) =>
  z
    .string()
    .max(max)
    .transform((text) => text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim())
    .pipe(z.string().min(1))

const Args = z.strictObject({
  title: Line(200),
  text: z.string().max(4_000).default(''),
  fields: z
    .array(z.strictObject({ name: Line(100), value: Line(500) }))
    .max(20)
    .default([]),
  links: z
    .array(z.strictObject({ label: Line(40), url: z.string().max(2_000) }))
    .max(5)
    .default([]),
})
type Card = z.infer<typeof Args>

/** Cards of one turn; a chat is no board. */
export const MAX_CARDS = 10
/** As for everything else that waits to be sent. */
const MAX_QUEUED = 500

/** Sends a card into the chat that the turn comes from. The same call again sends nothing. */
export function sendCard(ports: ChatPorts): CallHandler {
  return callHandler(Args, (card, { group, inboxSeq, chatId, thread, key: call }) => {
    const { messages, directory, deliveries, channelOf, clock } = ports
    const key = (index: number) => `${call}:card:${index}`
    const before = messages.idOf(key(0))
    if (before !== null) return sent(before)
    const links = card.links.map(({ label, url }) => ({ label, url: checkedUrl(url) }))
    const chat = directory.chat(chatId)
    if (!chat) throw new CreelError('not_found', 'Not sent: the chat is not there any more.')
    if (messages.cardsOf(group, inboxSeq) >= MAX_CARDS)
      throw new CreelError('invalid', `Not sent: a turn may send ${MAX_CARDS} cards.`)
    if (deliveries.queuedOf(group) > MAX_QUEUED)
      throw new CreelError('unavailable', 'Not sent: too much of yours is still waiting to be sent.')
    const { channel: name, account } = chat.address
    const channel = channelOf(name, account)
    if (!channel)
      throw new CreelError('invalid', 'Not sent: nobody would see a card there.', {
        hint: 'Say it in your answer.',
      })
    const parts = cardParts(channel, cardText(card), links)
    const rest = { chatId, thread, group, inboxSeq }
    deliveries.add(
      parts.map((part, index) => ({ ...rest, part, key: key(index) })),
      clock.now(),
    )
    ports.nudgeDelivery(chatId)
    return sent(messages.idOf(key(0)))
  })
}

function sent(id: number | null): string {
  return `Queued: the card is sent to the chat of this turn now; its handle for edit_message is d${id ?? 0}. Do not say it again in your answer.`
}

function cardText({ title, text, fields }: Card): string {
  const rows = fields.map(({ name, value }) => `- **${literal(name)}:** ${value}`)
  return [`**${literal(title)}**`, text.trim(), rows.join('\n')].filter((part) => part !== '').join('\n\n')
}

function cardParts(channel: Channel, text: string, links: readonly LinkButton[]): readonly string[] {
  if (links.length > 0 && channel.renderLinks) return channel.renderLinks(text, links)
  const lines = links.map(({ label, url }) => `[${literal(label)}](<${url}>)`)
  const whole = [text, lines.join(' · ')].filter((part) => part !== '').join('\n\n')
  return channel.render(whole)
}

/** The words themselves, whatever markdown would make of them. */
function literal(text: string): string {
  return text.replace(/[\\`*_{}[\]()<>#|~!&]/g, '\\$&')
}

/** An address that a person can be shown as a button: https, of a host with a name, without a login in it. */
function checkedUrl(text: string): string {
  const url = URL.parse(text)
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '' || !url.hostname.includes('.'))
    throw new CreelError(
      'invalid',
      `Not sent: expected a whole https address, got ${JSON.stringify(text).slice(0, 100)}.`,
    )
  return url.href
}
