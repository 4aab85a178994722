import type { OwnChatLine } from '../../../domain/ports/channel.ts'
import { sizeText } from '../../../domain/size-text.ts'
import { frameOf } from './event-stream.ts'
import type { MarkdownRenderer } from './markdown.ts'
import { soundType } from './sound-type.ts'

/** Most lines and bytes that a page gets when it opens; older ones stay in the database. */
const MAX_LINES = 200
const MAX_BYTES = 2_000_000

/** One line as the page takes it: text of people goes over as text, never as markup. */
export function lineFrame(chat: string, line: OwnChatLine, render: MarkdownRenderer, key?: string): string {
  const own = key === undefined ? {} : { key }
  return frameOf({ name: 'line', id: line.id, data: { ...pageLine(chat, line, render), ...own } })
}

/** A line as it is now, for a page that has it. Without an id: what the page has seen stays where it was. */
export function changeFrame(chat: string, line: OwnChatLine, render: MarkdownRenderer): string {
  return frameOf({ name: 'change', data: pageLine(chat, line, render) })
}

function pageLine(chat: string, line: OwnChatLine, render: MarkdownRenderer): object {
  const { id, author, at, text, files, choices, reaction } = line
  const content = author === 'agent' ? { html: render(text) } : { text }
  return {
    ...{ id, author, at, ...content },
    ...(files === undefined ? {} : { files: pageFiles(chat, line) }),
    ...(reaction === undefined ? {} : { reaction }),
    ...(choices === undefined ? {} : { choices: choices.map(({ label }) => label) }),
  }
}

/** The files of a line as the page shows them; images and sounds of a type that browsers know are shown in it. */
export function pageFiles(chat: string, { id, files = [] }: OwnChatLine): object[] {
  return files.map(({ name, bytes, image, mime }, index) => ({
    name,
    size: sizeText(bytes),
    url: `/api/chats/${encodeURIComponent(chat)}/files/${id}/${index}`,
    image: image && { width: image.width, height: image.height },
    sound: soundType(mime) !== null,
  }))
}

/** Reads the newest `limit` lines after a line, oldest first. */
export type ReadLines = (afterId: number, limit: number) => readonly OwnChatLine[]

/**
 * The events that bring a page up to date which has seen everything up to `afterId` (0: nothing). Begins with
 * `reset` when the page must start over: lines between would be missing, or it remembers another database.
 */
export function catchUp(
  chat: string,
  read: ReadLines,
  afterId: number,
  render: MarkdownRenderer,
): readonly string[] {
  const unknown = afterId > 0 && (read(0, 1)[0]?.id ?? 0) < afterId
  const lines = read(unknown ? 0 : afterId, MAX_LINES)
  const frames: string[] = []
  let bytes = 0
  for (const line of [...lines].reverse()) {
    const frame = lineFrame(chat, line, render)
    bytes += frame.length
    if (bytes > MAX_BYTES && frames.length > 0) break
    frames.unshift(frame)
  }
  const cut = frames.length < lines.length || lines.length === MAX_LINES
  const startOver = unknown || (cut && afterId > 0)
  const known = startOver || afterId === 0 ? [] : read(0, MAX_LINES).filter(({ id }) => id <= afterId)
  return [
    ...(startOver ? [frameOf({ name: 'reset', data: {} })] : []),
    ...frames,
    // It may have missed that these were decided.
    ...known.filter(({ changed }) => changed).map((line) => changeFrame(chat, line, render)),
    frameOf({ name: 'ready', data: { older: cut } }),
  ]
}
