import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { TalkLine } from '../rig/telegram-talk.ts'

const DOCS = resolve(import.meta.dirname, '../../docs')
const FILE = 'first-ten-minutes.md'

export interface Chapter {
  readonly title: string
  /** What README says of it, and what happens. */
  readonly words: string
  readonly talk?: readonly TalkLine[]
  /** What was typed at a terminal and what it printed. */
  readonly terminal?: string
  readonly picture?: { readonly name: string; readonly png: Buffer; readonly what: string }
}

/** The document as Markdown. */
export function documentOf(chapters: readonly Chapter[]): string {
  const parts = chapters.map((chapter) =>
    [
      `## ${chapter.title}`,
      chapter.words,
      ...(chapter.terminal === undefined ? [] : [`\`\`\`\n${chapter.terminal.trim()}\n\`\`\``]),
      ...(chapter.talk ?? []).map(quoted),
      ...(chapter.picture === undefined ? [] : [`![${chapter.picture.what}](${chapter.picture.name})`]),
    ].join('\n\n'),
  )
  const head = `# The first ten minutes

What somebody sees who sets Creel up from README alone, written by \`test/web/first-ten-minutes.test.ts\` from a run of the
real program: host, engine, sandbox, Claude's own program, gateway and the page in Chromium. Telegram is an emulator, and
the model a script that says what a model would.`
  return `${[head, ...parts].join('\n\n')}\n`
}

/** The same without what differs from one run to the next. */
export function shapeOf(text: string): string {
  return text
    .replace(/\b[0-9A-HJKMNP-TV-Z]{4}-?[0-9A-HJKMNP-TV-Z]{4}\b/g, 'CODE')
    .replace(/\b[0-9a-f]{8}\b/g, 'ID')
    .replace(/\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?/g, 'DAY')
    .replace(/\d+/g, '0')
    .replace(/[ \t]+/g, ' ')
}

/** What is kept in the tree. */
export function keptDocument(): string {
  return readFileSync(resolve(DOCS, FILE), 'utf8')
}

export function writeDocument(chapters: readonly Chapter[]): void {
  writeFileSync(resolve(DOCS, FILE), documentOf(chapters))
  for (const { picture } of chapters) if (picture) writeFileSync(resolve(DOCS, picture.name), picture.png)
}

/** A quotation in Markdown; two spaces at the end of a line are a break there. */
function quoted({ who, text, picture, file, buttons }: TalkLine): string {
  const attached = picture ? ' (a picture)' : file ? ` (the file \`${file}\`)` : ''
  const lines = [
    `**${who === 'bot' ? 'Creel' : 'Alice'}**${attached}`,
    ...text.split('\n').map((line) => line.trimEnd().replace(/[<*_]/g, '\\$&')),
    ...(buttons.length > 0 ? [buttons.map((label) => `[${label}]`).join(' ')] : []),
  ]
  return lines.map((line) => (line === '' ? '>' : `> ${line}  `)).join('\n')
}
