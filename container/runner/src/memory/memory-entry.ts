import { createHash } from 'node:crypto'
import type { InboxMessage, Speaker } from '@creel/protocol'

/** Who told it, where and when: filled in by the runner, never by the model. */
export interface MemorySource {
  readonly from: Speaker
  readonly role: InboxMessage['role']
  readonly chat: InboxMessage['chat']
  /** Others whose words the turn was given: the model may have it from them. */
  readonly heard: readonly Speaker[]
  /** UTC milliseconds. */
  readonly at: number
}

/** A line of a memory file that was written with `remember`. */
export interface MemoryEntry {
  readonly id: string
  /** Platform id of whoever spoke when it was written down. */
  readonly from: string
  readonly text: string
}

/** Longest text of one entry, in UTF-16 units. */
export const MAX_ENTRY_TEXT = 1_000
const MAX_NAME = 60
const MAX_HEARD = 3
/** Later a date has more digits. */
const LAST_TIME = Date.UTC(9999, 11, 31)

/** No name in the mark holds a colon, so the first one before a space ends it. */
const ENTRY = /^- \[([0-9a-f]{8})\] \d{4}-\d\d-\d\d, (\S{1,250}) "[^"]{0,100}", .*?: (.*)$/

/**
 * The line that says this, on one line, with its source in front. The same thing said by the same person has the same
 * id, also in another chat and on another day. Pure.
 */
export function entryLine(text: string, source: MemorySource): { id: string; line: string } {
  const said = oneLine(text)
  const id = entryId(said, source.from.id)
  const { from, role, chat, heard, at } = source
  const day = new Date(Math.min(at, LAST_TIME)).toISOString().slice(0, 10)
  const title = named(chat.title)
  const where = `in a ${word(chat.channel)} ${chat.kind} chat${title === '""' ? '' : ` ${title}`}`
  const others = heard.slice(0, MAX_HEARD).map((one) => `${word(one.id)} ${named(one.name)}`)
  if (heard.length > MAX_HEARD) others.push(`${heard.length - MAX_HEARD} more`)
  const mark = [
    `${word(from.id)} ${named(from.name)}`,
    ...(role === undefined ? [] : [role]),
    where,
    ...(others.length === 0 ? [] : [`where ${others.join(' and ')} spoke too`]),
  ]
  return { id, line: `- [${id}] ${day}, ${mark.join(', ')}: ${said}` }
}

/** What a line says when it has the form of an entry; the agent can write such a line, too. */
export function parsedEntry(line: string): MemoryEntry | undefined {
  const [, id, from, text] = ENTRY.exec(line) ?? []
  return id === undefined || from === undefined ? undefined : { id, from, text: text ?? '' }
}

function entryId(text: string, from: string): string {
  const said = text.normalize('NFKC').toLowerCase()
  return createHash('sha256')
    .update(JSON.stringify([from, said]))
    .digest('hex')
    .slice(0, 8)
}

/** Without characters that end a line for some reader, that nobody sees, or that turn what follows around. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_ENTRY_TEXT)
    .toWellFormed()
}

/** People choose their names and the titles of chats: nothing in one can end the quotes or look like another mark. */
function named(name: string): string {
  return `"${oneLine(name)
    .replace(/["[\]():<>]/g, '')
    .slice(0, MAX_NAME)
    .toWellFormed()}"`
}

function word(text: string): string {
  return text.replace(/[\p{C}\s"[\]]+/gu, '').slice(0, 200) || '?'
}
