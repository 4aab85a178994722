import type { InboxMessage } from '@creel/protocol'
import { readEnd } from '../agent-files.ts'
import type { Clock } from '../clock.ts'
import { type EventLog, errorText } from '../log.ts'
import { fold, searchConversations } from '../tools/conversation-search.ts'
import { attachmentsOf, sizeText } from '../turn-attachments.ts'
import { type MemoryFile, type MemoryFiles, MemoryRefusal } from './memory-files.ts'

export interface MemoryCommandParts {
  readonly files: MemoryFiles
  readonly memoryDir: string
  /** `in/files`. */
  readonly filesIn: string
  readonly clock: Clock
  readonly log: EventLog
}

const MAX_SHOWN = 12_000
const MAX_LISTED = 30
const MAX_FOUND = 20
const MAX_WRITTEN = 256 * 1024
const TYPED = /\/memory(?:@\S+)?(?:[ \t]+(\S+))?(?:[ \t]+([^\n]*))?/i
const ID = /^[0-9a-f]{8}$/
const USAGE =
  'What can be said: `/memory`, `/memory show FILE`, `/memory search WORDS`, `/memory forget ID or FILE`, and `/memory write FILE` with a file to take its place.'

/**
 * What a person sees and changes of the memory, without the model: whether they may has been decided by the host.
 * Doing it twice is harmless. Never rejects.
 */
export async function answerMemoryCommand(message: InboxMessage, parts: MemoryCommandParts): Promise<string> {
  const [, verb = '', rest = ''] = TYPED.exec(message.text) ?? []
  try {
    return await answer(verb.toLowerCase(), rest.trim(), message, parts)
  } catch (error) {
    if (error instanceof MemoryRefusal) return `Nothing was done: ${error.message}.`
    parts.log('memory_command_failed', { error: errorText(error) })
    return `Nothing was done: ${errorText(error)}.`
  }
}

async function answer(
  verb: string,
  rest: string,
  message: InboxMessage,
  parts: MemoryCommandParts,
): Promise<string> {
  const { files } = parts
  switch (verb) {
    case '':
      return overview(files)
    case 'show':
      return rest === '' ? USAGE : shown(rest, files)
    case 'search':
      return rest === '' ? USAGE : search(rest, parts)
    case 'forget':
      return rest === '' ? USAGE : forget(rest, files)
    case 'write':
      return rest === '' ? USAGE : write(rest, message, parts)
    default:
      return USAGE
  }
}

function overview(files: MemoryFiles): string {
  const index = files.indexText()
  const others = files.list().filter(({ path }) => path !== 'index.md')
  const lines = [index === '' ? 'Nothing is noted yet.' : index]
  if (others.length > 0) lines.push('', '**Files**', ...listed(others))
  lines.push('', '`/memory forget ID` takes a line out, `/memory show FILE` shows a file.')
  return lines.join('\n')
}

function listed(files: readonly MemoryFile[]): string[] {
  const lines = files
    .slice(0, MAX_LISTED)
    .map(({ path, bytes }) => `- \`${shownName(path)}\`, ${sizeText(bytes)}`)
  return files.length > MAX_LISTED ? [...lines, `- and ${files.length - MAX_LISTED} more`] : lines
}

function shown(path: string, files: MemoryFiles): string {
  const text = read(path, files)
  if (text.length <= MAX_SHOWN) return text.trim() === '' ? 'The file is empty.' : text
  return `${text.slice(0, MAX_SHOWN).toWellFormed()}\n\n(… ${text.length - MAX_SHOWN} characters more …)`
}

function read(path: string, files: MemoryFiles): string {
  try {
    return files.read(path)
  } catch (error) {
    if (error instanceof MemoryRefusal) throw error
    throw new MemoryRefusal(`${shownName(path)} cannot be read: ${errorText(error)}`, { cause: error })
  }
}

async function search(query: string, { memoryDir, clock }: MemoryCommandParts): Promise<string> {
  const words = fold(query).split(/\s+/).slice(0, 10)
  const { found, leftOut } = await searchConversations(
    memoryDir,
    { words, limit: MAX_FOUND, within: 'all' },
    clock,
  )
  const lines = found.map(
    ({ file, line, said, text }) =>
      `- \`${shownName(file)}:${line}\`${said === undefined ? '' : ` ${said}`}: ${text}`,
  )
  if (lines.length === 0) lines.push('Nothing found.')
  if (leftOut.length > 0) lines.push(`Not searched: ${leftOut.join('; ')}.`)
  return lines.join('\n')
}

function forget(what: string, files: MemoryFiles): string {
  if (ID.test(what)) {
    const gone = files.forget(what)
    return gone > 0 ? `Forgotten: [${what}]. ${AFTER}` : `There is no line [${what}].`
  }
  return files.remove(what)
    ? `Removed: \`${shownName(what)}\`. ${AFTER}`
    : `There is no file \`${shownName(what)}\`.`
}

const AFTER =
  'A conversation that had it may still know it: `/new` begins another; `/memory search` finds where else it stands.'

function write(path: string, message: InboxMessage, { files, filesIn }: MemoryCommandParts): string {
  const [file, ...more] = attachmentsOf(message, filesIn)
  if (!file || more.length > 0)
    return 'Send one file together with `/memory write FILE`: its text takes the place of FILE.'
  if (file.bytes > MAX_WRITTEN) return `The file is too large: at most ${sizeText(MAX_WRITTEN)}.`
  if (!path.endsWith('.md')) return 'Only files whose name ends in `.md` are pages of the memory.'
  const text = readEnd(file.path, MAX_WRITTEN).toString('utf8')
  if (text.includes('\0')) return 'That is not a text.'
  files.write(path, text)
  return `Written: \`${shownName(path)}\`, ${sizeText(Buffer.byteLength(text))}.`
}

/** As code in a chat: the agent chose the name. */
function shownName(path: string): string {
  return path
    .replace(/[\p{C}`\s]+/gu, '?')
    .slice(0, 150)
    .toWellFormed()
}
