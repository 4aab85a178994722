import type { MessageEntity } from 'grammy/types'
import { z } from 'zod'
import type { DeliveryPart } from '../../../domain/ports/channel.ts'
import { cleanText, hasVisible } from '../../../markdown/clean-text.ts'
import { isTooMuchToFormat } from '../../../markdown/formatting-work.ts'
import { parseMarkdown } from '../../../markdown/parse-markdown.ts'
import type { RichText, Span } from '../../../markdown/rich-text.ts'
import { splitRichText } from '../../../markdown/split-rich-text.ts'

/** "1-4096 characters after entities parsing", counted in UTF-16 units: https://core.telegram.org/bots/api#sendmessage */
export const MAX_TEXT_UNITS = 4096
/** Telegram ignores the entities after the hundredth: https://limits.tginfo.me/en */
const MAX_ENTITIES = 100
const MAX_SOURCE_UNITS = 200_000
/** Longer text goes out as it was written. */
const MAX_FORMATTED_UNITS = 50_000
const MAX_PARTS = 60
/** More messages than these are no reading: a group may be sent twenty a minute. */
const MAX_MESSAGES = 10
const EMPTY = '(empty message)'

const Entity = z.object({
  type: z.enum(['bold', 'italic', 'strikethrough', 'code', 'pre', 'text_link', 'blockquote']),
  offset: z.number().int().min(0),
  length: z.number().int().min(1),
  language: z.string().optional(),
  url: z.string().optional(),
})
const Button = z.union([
  z.object({ label: z.string(), say: z.string() }),
  z.object({ label: z.string(), url: z.string() }),
])
/** Text with what is special about it. */
export const Part = z.object({
  text: z.string().min(1),
  entities: z.array(Entity),
  buttons: z.array(Button).optional(),
})

/** A part as it lies in the delivery table. */
export type TelegramPart = z.infer<typeof Part>

const ENTITY_TYPES = {
  bold: 'bold',
  italic: 'italic',
  strike: 'strikethrough',
  code: 'code',
  pre: 'pre',
  link: 'text_link',
  quote: 'blockquote',
} as const

/**
 * Markdown as messages that Telegram takes: text with entities beside it, so that nothing is escaped and the
 * length is measured as Telegram measures it. Pure; never throws; at least one part. What exceeds the bounds
 * is cut off at the end with a note that says so.
 */
export function renderParts(markdown: string): readonly DeliveryPart[] {
  const source = markdown.slice(0, MAX_SOURCE_UNITS)
  const parts = fittingParts(source).filter((part) => hasVisible(part.text))
  const kept = parts.slice(0, MAX_PARTS)
  if (kept.length === 0) kept.push({ text: EMPTY, spans: [] })
  if (kept.length < parts.length || source.length < markdown.length) {
    kept.push({ text: `(cut off here: the message had ${markdown.length} characters)`, spans: [] })
  }
  return kept.map((part) => JSON.stringify({ text: part.text, entities: part.spans.map(entityOf) }))
}

/** The first part of a text that would be more messages than a chat bears; null for a shorter one. Pure. */
export function beginningOf(markdown: string): DeliveryPart | null {
  // So short that it cannot be.
  if (markdown.length < MAX_TEXT_UNITS) return null
  const beginning = longBeginning(markdown.slice(0, MAX_FORMATTED_UNITS + 1))
  // Of a very long text that much is too long already, unless most of it is not shown.
  return beginning === null && markdown.length > MAX_FORMATTED_UNITS ? longBeginning(markdown) : beginning
}

function longBeginning(markdown: string): DeliveryPart | null {
  const parts = renderParts(markdown)
  return parts.length > MAX_MESSAGES ? (parts[0] ?? null) : null
}

/** The part again. Throws when the string did not come from `renderParts`. */
export function readPart(part: DeliveryPart): TelegramPart {
  return Part.parse(JSON.parse(part))
}

/** The entities as grammY's types want them. */
export function entitiesOf(part: TelegramPart): MessageEntity[] {
  return part.entities.map(({ type, offset, length, language, url }) => {
    if (type === 'text_link') return { type, offset, length, url: url ?? '' }
    if (type === 'pre') return { type, offset, length, ...(language === undefined ? {} : { language }) }
    return { type, offset, length }
  })
}

/** The same part without formatting. Addresses behind labels are written out, as far as they fit. */
export function plainTextOf(part: TelegramPart): string {
  let text = part.text
  for (const entity of part.entities.toReversed()) {
    if (entity.type !== 'text_link' || entity.url === undefined) continue
    const end = entity.offset + entity.length
    const note = ` (${entity.url})`
    const label = part.text.slice(entity.offset, end)
    if (label === entity.url || text.length + note.length > MAX_TEXT_UNITS) continue
    text = text.slice(0, end) + note + text.slice(end)
  }
  return text
}

function fittingParts(source: string): RichText[] {
  const clean = cleanText(source)
  if (source.length <= MAX_FORMATTED_UNITS && !isTooMuchToFormat(clean)) {
    const formatted = split(parseMarkdown(clean, isLinkable))
    // So much formatting, or so wide a table, that it would flood the chat: the plain source is shorter.
    if (formatted.length <= MAX_PARTS) return formatted
  }
  return split({ text: clean, spans: [] })
}

function split(rich: RichText): RichText[] {
  return splitRichText(rich, { limit: MAX_TEXT_UNITS, maxSpans: MAX_ENTITIES })
}

/** Schemes that Telegram keeps in a text_link; others it would drop, and the address with them. */
function isLinkable(url: string): boolean {
  return /^(?:https?|tg):\/\/[^\s]{1,2000}$/i.test(url)
}

function entityOf(span: Span): TelegramPart['entities'][number] {
  return {
    type: ENTITY_TYPES[span.kind],
    offset: span.start,
    length: span.end - span.start,
    ...(span.language === undefined ? {} : { language: span.language }),
    ...(span.url === undefined ? {} : { url: span.url }),
  }
}
