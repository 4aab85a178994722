import type { InboxMessage } from '@creel/protocol'
import { readEnd } from '../agent-files.ts'
import type { Clock } from '../clock.ts'
import { type EventLog, errorText } from '../log.ts'
import { forgetInIndex, searchMemory } from '../search/memory-search.ts'
import { attachmentsOf, sizeText } from '../turn-attachments.ts'
import { MEMORY_INDEX, type MemoryFile, type MemoryFiles, MemoryRefusal } from './memory-files.ts'

export interface MemoryCommandParts {
  readonly files: MemoryFiles
  readonly memoryDir: string
  readonly homeDir: string
  /** `in/files`. */
  readonly filesIn: string
  readonly clock: Clock
  readonly log: EventLog
}

const MAX_SHOWN = 12_000
const MAX_LISTED = 30
const MAX_FOUND = 20
const MAX_WRITTEN = 256 * 1024
/** Text that is written as it stands in the message; longer ones may have been cut on their way. */
const MAX_INLINE = 50_000
const TYPED = /\/memory(?:@\S+)?(?:[ \t]+(\S+))?(?:[ \t]+([^\n]*))?(?:\n([\s\S]*))?/i
/** Behind a file's name: only when it still is as it was seen. */
const SEEN = /^(.*?)[ \t]+--was=([0-9a-f]{16}|none)$/
const ID = /^[0-9a-f]{8}$/
const USAGE =
  'What can be said: `/memory`, `/memory show FILE`, `/memory search WORDS`, `/memory forget ID or FILE`, and `/memory write FILE` with its new text below that line, or as a file.'

/**
 * What a person sees and changes of the memory, without the model: whether they may has been decided by the host.
 * Doing it twice is harmless. Never rejects.
 */
export async function answerMemoryCommand(message: InboxMessage, parts: MemoryCommandParts): Promise<string> {
  const [, verb = '', rest = '', below = ''] = TYPED.exec(message.text) ?? []
  const [, what, was] = SEEN.exec(rest.trim()) ?? [undefined, rest.trim(), undefined]
  try {
    return await answer({ verb: verb.toLowerCase(), what: what.trim(), was, below }, message, parts)
  } catch (error) {
    if (error instanceof MemoryRefusal) return `Nothing was done: ${error.message}.`
    parts.log('memory_command_failed', { error: errorText(error) })
    return `Nothing was done: ${errorText(error)}.`
  }
}

interface Typed {
  readonly verb: string
  readonly what: string
  /** Print of the file as whoever changes it has seen it; undefined to change it as it is now. */
  readonly was: string | undefined
  readonly below: string
}

async function answer(typed: Typed, message: InboxMessage, parts: MemoryCommandParts): Promise<string> {
  const { files } = parts
  const { verb, what } = typed
  if (verb === '') return overview(files)
  if (what === '') return USAGE
  switch (verb) {
    case 'show':
      return shown(what, files)
    case 'search':
      return search(what, parts)
    case 'forget': {
      const told = forget(typed, files)
      await forgetInIndex(parts)
      return told
    }
    case 'write': {
      const told = write(typed, message, parts)
      await forgetInIndex(parts)
      return told
    }
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

async function search(query: string, parts: MemoryCommandParts): Promise<string> {
  const text = query.split(/\s+/).slice(0, 10).join(' ')
  const { found, some, leftOut } = await searchMemory({ text, limit: MAX_FOUND, within: 'all' }, parts)
  const lines = found.map(
    ({ file, line, said, text }) =>
      `- \`${shownName(file)}:${line}\`${said === undefined ? '' : ` ${said}`}: ${text}`,
  )
  if (lines.length === 0) lines.push('Nothing found.')
  else if (some) lines.unshift('Nothing holds all the words; this holds some of them:', '')
  if (leftOut.length > 0) lines.push(`Not searched: ${leftOut.join('; ')}.`)
  return lines.join('\n')
}

function forget({ what, was }: Typed, files: MemoryFiles): string {
  if (ID.test(what)) {
    const gone = files.forget(what)
    return gone > 0 ? `Forgotten: [${what}]. ${AFTER}` : `There is no line [${what}].`
  }
  checkSeen(what, was, files)
  return files.remove(what)
    ? `Removed: \`${shownName(what)}\`. ${AFTER}`
    : `There is no file \`${shownName(what)}\`.`
}

const AFTER =
  'A conversation that had it may still know it: `/new` begins another; `/memory search` finds where else it stands.'

function write({ what, was, below }: Typed, message: InboxMessage, parts: MemoryCommandParts): string {
  const { files, filesIn } = parts
  const [file, ...more] = attachmentsOf(message, filesIn)
  if ((!file && below.trim() === '') || more.length > 0)
    return 'Put the new text of FILE below `/memory write FILE`, or send it as one file.'
  if (!what.endsWith('.md')) return 'Only files whose name ends in `.md` are pages of the memory.'
  if (file && file.bytes > MAX_WRITTEN) return `The file is too large: at most ${sizeText(MAX_WRITTEN)}.`
  if (!file && below.length > MAX_INLINE) return 'That is too long for a message: send it as a file.'
  const text = file ? readEnd(file.path, MAX_WRITTEN).toString('utf8') : `${below.trimEnd()}\n`
  if (text.includes('\0')) return 'That is not a text.'
  checkSeen(what, was, files)
  files.write(what, text)
  return `Written: \`${shownName(what)}\`, ${sizeText(Buffer.byteLength(text))}.`
}

/** Nobody takes out what somebody else wrote since they looked. Throws MemoryRefusal. */
function checkSeen(path: string, was: string | undefined, files: MemoryFiles): void {
  if (was === undefined || was === files.print(path)) return
  // There is always an index: one in which nothing stands is none.
  if (was === 'none' && path === MEMORY_INDEX && files.indexText() === '') return
  throw new MemoryRefusal(
    `${shownName(path)} was changed since it was looked at; look at it again and change it anew`,
  )
}

/** As code in a chat: the agent chose the name. */
function shownName(path: string): string {
  return path
    .replace(/[\p{C}`\s]+/gu, '?')
    .slice(0, 150)
    .toWellFormed()
}
