import { createHash } from 'node:crypto'
import type { InboxMessage, OutboxEntry, Speaker } from '@creel/protocol'

/** What was said of one message and to it, ready to be written down. */
export interface Exchange {
  /** Position of the message in the inbox. */
  readonly seq: number
  readonly message: InboxMessage
  /** Said to the agent while it was at work on it. */
  readonly steered: readonly InboxMessage[]
  /** What the turn leaves in the outbox. */
  readonly outcome: readonly OutboxEntry[]
  /** UTC milliseconds of its end. */
  readonly at: number
}

/** One written exchange, as it was found. */
export interface FoundEntry {
  readonly key: string
  readonly text: string
}

/** Characters of one exchange: three shares, for what was overheard, what was asked and what was answered. */
const MAX_CHARS = 60_000
/** Larger than any entry that is written here; a reader needs no more to find the last one whole. */
export const MAX_ENTRY_BYTES = 256 * 1024
const MAX_NAME = 80
const MAX_QUOTE = 300
const MAX_NAMED = 5
/** Messages of one turn that are written down; a turn takes fewer. */
const MAX_ASKED = 50
/** Later there are no dates. */
const LAST_TIME = 8.64e15

const LINE_BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/g
const MARK = /^<!-- creel:(begin|end) (\d{1,16}-[0-9a-f]{12}) -->$/

/**
 * Names an exchange by its place in the inbox and what was asked. A repeat of the same message has the same key; the
 * same place in another inbox (a fresh data directory beside an old memory) has not.
 */
export function entryKey({ seq, message }: Pick<Exchange, 'seq' | 'message'>): string {
  const { session, from, at, text } = message
  const print = createHash('sha256').update(JSON.stringify([session, from.id, at, text]))
  return `${seq}-${print.digest('hex').slice(0, 12)}`
}

/** The exchange as markdown between its marks, at most MAX_ENTRY_BYTES long. Pure. */
export function entryText(exchange: Exchange): string {
  const key = entryKey(exchange)
  for (let room = MAX_CHARS; ; room = Math.floor(room / 2)) {
    const body = entryBody(exchange, room)
    const text = `<!-- creel:begin ${key} -->\n${body}\n<!-- creel:end ${key} -->\n`
    if (Buffer.byteLength(text) <= MAX_ENTRY_BYTES) return text
  }
}

/** Whether a file that ends like this ends with a whole entry, and with which. */
export function lastKey(end: string): string | undefined {
  const match = MARK.exec(end.trimEnd().split('\n').at(-1) ?? '')
  return match?.[1] === 'end' ? match[2] : undefined
}

/** Where in this text the entry begins that is its last, whole or cut off; undefined without any. */
export function lastBegin(text: string): { readonly at: number; readonly key: string } | undefined {
  const at = text.lastIndexOf('<!-- creel:begin ')
  const key = at < 0 ? undefined : MARK.exec(text.slice(at, at + 100).split('\n', 1)[0] ?? '')?.[2]
  return key === undefined || (at > 0 && text[at - 1] !== '\n') ? undefined : { at, key }
}

/**
 * The whole entries of a text that may have been cut, edited or damaged in any way: what is not between a begin and its
 * own end is left out. Linear in its length.
 */
export function entriesOf(text: string): FoundEntry[] {
  const found: FoundEntry[] = []
  let open: { key: string; lines: string[] } | undefined
  for (const line of text.split('\n')) {
    const mark = line.startsWith('<!--') ? MARK.exec(line.trimEnd()) : null
    const key = mark?.[2] ?? ''
    if (mark?.[1] === 'begin') open = { key, lines: [] }
    else if (mark === null) open?.lines.push(line)
    else {
      if (open?.key === key) found.push({ key, text: open.lines.join('\n').trim() })
      open = undefined
    }
  }
  return found
}

/** The text without its middle when it is longer than `max` characters. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text
  const head = Math.floor(max / 2)
  const start = text.slice(0, head).replace(/[\uD800-\uDBFF]$/, '')
  const end = text.slice(text.length - (max - head)).replace(/^[\uDC00-\uDFFF]/, '')
  return `${start}\n(… ${text.length - start.length - end.length} characters left out …)\n${end}`
}

function entryBody({ message, steered, outcome, at }: Exchange, room: number): string {
  const share = Math.floor(room / 3)
  const asked = [message, ...steered].slice(0, MAX_ASKED)
  const replies = outcome.filter((entry) => entry.type === 'reply' || entry.type === 'send')
  const parts = [`## ${stamp(message.at)}`]
  if (message.context.length > 0) parts.push('Overheard before:', ...newestWithin(message.context, share))
  for (const one of asked) parts.push(asking(one, Math.floor(share / asked.length)))
  for (const reply of replies) {
    const elsewhere = reply.type === 'send' && reply.to !== undefined ? ` to ${fileLabel(reply.to)}` : ''
    const text = quoted(reply.text, Math.floor(share / replies.length))
    parts.push(`**agent** (you), ${stamp(at)}${elsewhere}:\n${text}`)
  }
  for (const entry of outcome) {
    if (entry.type === 'file') parts.push(`(The agent sent the file ${fileLabel(entry.name)}.)`)
  }
  const ending = endingOf(outcome)
  if (ending !== undefined) parts.push(`(${ending})`)
  return parts.join('\n\n')
}

function asking(message: InboxMessage, room: number): string {
  const { quote, attachments } = message
  const lines = [said(message, room)]
  if (quote) lines.push(`(in answer to what ${nameOf(quote.name)} had said:)`, quoted(quote.text, MAX_QUOTE))
  for (const { name } of attachments.slice(0, MAX_NAMED)) lines.push(`(with the file ${fileLabel(name)})`)
  if (attachments.length > MAX_NAMED) lines.push(`(with ${attachments.length - MAX_NAMED} files more)`)
  return lines.join('\n')
}

function fileLabel(name: string): string {
  return JSON.stringify(clean(name.replace(/\s+/g, ' ')))
}

function nameOf(name: string): string {
  return clean(name.replace(/\s+/g, ' '))
    .replace(/[*<>`]/g, '')
    .slice(0, MAX_NAME)
}

function endingOf(outcome: readonly OutboxEntry[]): string | undefined {
  const settled = outcome.find((entry) => entry.type === 'settled')
  if (settled?.outcome === 'cancelled') return 'The agent was stopped here.'
  if (settled?.outcome !== 'failed') return undefined
  const reason = (settled.reason ?? 'no reason given').replace(/\s+/g, ' ').slice(0, 300)
  return `The agent failed here: ${clean(reason)}`
}

function newestWithin(heard: InboxMessage['context'], room: number): string[] {
  const kept: string[] = []
  let left = room
  for (const one of heard.toReversed()) {
    left -= one.text.length
    if (left < 0) {
      kept.unshift(`(${heard.length - kept.length} earlier ones are left out.)`)
      break
    }
    kept.unshift(said(one, room))
  }
  return kept
}

function said(one: { from: Speaker; text: string; at: number }, room: number): string {
  const id = clean(one.from.id.replace(/\s+/g, ' '))
  return `**${nameOf(one.from.name)}** (${id}), ${stamp(one.at)}:\n${quoted(one.text, room)}`
}

/** Every line is quoted, so that nothing said can pass for a mark or for who said it. */
function quoted(text: string, room: number): string {
  return `> ${clean(shortened(text, room)).replace(LINE_BREAK, '\n> ')}`
}

/** Without characters that make a file binary for a search, or that show it in another order than it is. */
function clean(text: string): string {
  return text.replace(/[^\P{Cc}\n\r\t\u0085]|[\u202A-\u202E\u2066-\u2069]/gu, '')
}

function stamp(at: number): string {
  return `${new Date(Math.min(at, LAST_TIME)).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
