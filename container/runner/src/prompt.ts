import type { InboxMessage, Overheard, TurnAttachment } from '@creel/protocol'
import { attachmentsOf, sizeText } from './turn-attachments.ts'

/** Everything that some reader shows as a new line. */
const LINE_BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/g

/** Continuation lines are indented, so that no message can pretend to be the header of another. */
function spoken(line: Pick<Overheard, 'from' | 'text' | 'at'>): string {
  const when = new Date(line.at).toISOString()
  const name = line.from.name.replace(/\s+/g, ' ')
  return `[${when}] ${name} (${line.from.id}):\n  ${line.text.replace(LINE_BREAK, '\n  ')}`
}

/** Indented as well, and said to be a quotation: its words are not the speaker's. */
function quoted({ name, text }: NonNullable<InboxMessage['quote']>): string {
  const author = name.replace(/\s+/g, ' ')
  return `  (in answer to this message of ${author}:)\n  > ${text.replace(LINE_BREAK, '\n  > ')}`
}

/** Named for every runtime alike: one that takes no files can still read the path. */
function filesSent(files: readonly TurnAttachment[]): string[] {
  if (files.length === 0) return []
  const lines = files.map(({ path, kind, name, mime, bytes }) => {
    const shown = name.replace(/\s+/g, ' ').replaceAll('"', "'")
    return `  - ${path} (${kind} "${shown}", ${mime.replace(/\s+/g, ' ')}, ${sizeText(bytes)})`
  })
  return ['', 'Files that came with it, read-only:', ...lines]
}

/**
 * The message as a model should see it: who speaks, where, with which files, and what was said before without waking
 * it. `filesIn` is where its files lie.
 */
export function promptOf(message: InboxMessage, filesIn: string): string {
  const title = message.chat.title.replace(/\s+/g, ' ')
  const where = `${message.chat.channel} ${message.chat.kind} chat${title === '' ? '' : ` "${title}"`}`
  const parts = [`In the ${where}:`, spoken(message)]
  if (message.quote) parts.push(quoted(message.quote))
  parts.push(...filesSent(attachmentsOf(message, filesIn)))
  if (message.context.length > 0) {
    parts.unshift('Said before, not to you:', ...message.context.map(spoken), '')
  }
  if (message.notes !== undefined && message.notes.length > 0) {
    parts.unshift('From the system that carries your messages:', ...message.notes.map(note), '')
  }
  return parts.join('\n')
}

function note(text: string): string {
  return `  - ${text.replace(LINE_BREAK, ' ')}`
}
