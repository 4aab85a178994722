import MarkdownIt, { type Token } from 'markdown-it'
import { cleanText } from './clean-text.ts'
import { InlineWalk, type Linkable } from './inline-walk.ts'
import type { RichText } from './rich-text.ts'
import { RichWriter } from './rich-writer.ts'
import { tableText } from './table-text.ts'

/** markdown-it drops blocks nested deeper than this; such text is given as it stands instead. */
const MAX_NESTING = 100

/**
 * Reads markdown as a model writes it. Loses no word: HTML, reference definitions and anything malformed
 * appear as they were written. Never throws. Bound the text before calling: the time is linear for ordinary
 * text only.
 */
export function parseMarkdown(markdown: string, linkable: Linkable): RichText {
  const source = cleanText(markdown)
  const parser = new MarkdownIt('default', { html: false, linkify: false, typographer: false })
  parser.set({ maxNesting: MAX_NESTING })
  // A reference definition shows nothing by itself, and an unused one would vanish with what it says.
  parser.disable('reference')
  try {
    const tokens = parser.parse(source, {})
    if (tokens.some((token) => token.level >= MAX_NESTING - 2)) return { text: source, spans: [] }
    return new BlockWalk(linkable).run(tokens)
  } catch (error) {
    // A defect of the parser must not cost the message: it goes out unformatted.
    if (error instanceof Error) return { text: source, spans: [] }
    throw error
  }
}

type Handler = (walk: BlockWalk, token: Token) => void

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['inline', (walk, token) => walk.inline.run(token.children ?? [])],
  ['paragraph_open', (walk, token) => walk.out.gap(token.hidden ? 1 : 2)],
  ['paragraph_close', (walk, token) => walk.out.gap(token.hidden ? 1 : 2)],
  ['heading_open', (walk) => walk.begin('bold')],
  ['heading_close', (walk) => walk.end('bold')],
  ['blockquote_open', (walk) => walk.begin('quote')],
  ['blockquote_close', (walk) => walk.end('quote')],
  ['fence', (walk, token) => walk.block(token.content.replace(/\n$/, ''), languageOf(token.info))],
  ['code_block', (walk, token) => walk.block(token.content.replace(/\n$/, ''))],
  ['hr', (walk) => walk.rule()],
  ['bullet_list_open', (walk) => walk.beginList(undefined)],
  ['ordered_list_open', (walk, token) => walk.beginList(Number(token.attrGet('start') ?? 1))],
  ['bullet_list_close', (walk) => walk.endList()],
  ['ordered_list_close', (walk) => walk.endList()],
  ['list_item_open', (walk) => walk.beginItem()],
  ['table_open', (walk) => walk.beginTable()],
])

/** Writes the block tokens of one text, front to back. */
class BlockWalk {
  readonly out = new RichWriter()
  readonly inline: InlineWalk
  /** Open lists, innermost last, with the number of the next item, if they are numbered. */
  readonly #lists: (number | undefined)[] = []
  #rows: string[][] | undefined

  constructor(linkable: Linkable) {
    this.inline = new InlineWalk(this.out, linkable)
  }

  run(tokens: readonly Token[]): RichText {
    for (const token of tokens) {
      if (this.#rows !== undefined) this.#tableToken(this.#rows, token)
      else HANDLERS.get(token.type)?.(this, token)
    }
    return this.out.finish()
  }

  begin(kind: 'bold' | 'quote'): void {
    this.out.gap(this.#between)
    this.out.open(kind)
  }

  end(kind: 'bold' | 'quote'): void {
    this.out.close(kind)
    this.out.gap(this.#between)
  }

  block(text: string, language?: string): void {
    this.out.gap(this.#between)
    this.out.verbatim('pre', text, language)
    this.out.gap(this.#between)
  }

  rule(): void {
    this.out.gap(this.#between)
    this.out.write('———')
    this.out.gap(this.#between)
  }

  beginList(firstNumber: number | undefined): void {
    this.out.gap(1)
    this.#lists.push(firstNumber)
  }

  endList(): void {
    this.#lists.pop()
    this.out.indent = indentOf(this.#lists.length)
    this.out.gap(this.#between)
  }

  beginItem(): void {
    const depth = this.#lists.length
    const number = this.#lists.at(-1)
    this.out.gap(1)
    this.out.indent = indentOf(depth - 1)
    this.out.marker(number === undefined ? '• ' : `${number}. `)
    if (number !== undefined) this.#lists[depth - 1] = number + 1
    this.out.indent = indentOf(depth)
  }

  beginTable(): void {
    this.#rows = []
  }

  get #between(): number {
    return this.#lists.length > 0 ? 1 : 2
  }

  #tableToken(rows: string[][], token: Token): void {
    if (token.type === 'tr_open') rows.push([])
    else if (token.type === 'inline') rows.at(-1)?.push(cellText(token.children ?? []))
    else if (token.type === 'table_close') {
      this.#rows = undefined
      this.block(tableText(rows))
    }
  }
}

/** Links are written out, because a fixed-width block cannot hold them. */
function cellText(children: readonly Token[]): string {
  // The parser fills short rows up with empty cells, up to 65 536 of them.
  if (children.length === 0) return ''
  const out = new RichWriter()
  new InlineWalk(out, () => false).run(children)
  return out.finish().text.replace(/\s+/g, ' ')
}

function indentOf(depth: number): string {
  return '  '.repeat(Math.max(0, depth))
}

function languageOf(info: string): string | undefined {
  return /^[\w+#.-]{1,32}/.exec(info.trim())?.[0]
}
