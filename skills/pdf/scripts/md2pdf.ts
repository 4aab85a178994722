// Turns Markdown into a PDF: node md2pdf.ts IN.md OUT.pdf [--title TEXT] [--page a4|letter]
import { readFileSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { marked, type Token, type Tokens } from 'marked'
import type * as PdfMake from 'pdfmake'
import type { Content, TableCell, TDocumentDefinitions } from 'pdfmake/interfaces.js'

const MAX_BYTES = 4 * 1024 * 1024
const MAX_PICTURE = 16 * 1024 * 1024
const PAGE_MARK = '---page---'
const HEADING_SIZES = [20, 16, 13, 11, 10, 10]
const TEXT_WIDTH = 475
const WIDE_TABLE = 7

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { title: { type: 'string' }, page: { type: 'string', default: 'a4' } },
})
const [source, target] = positionals
if (source === undefined || target === undefined)
  fail('usage: md2pdf.ts IN.md OUT.pdf [--title TEXT] [--page a4|letter]')
if (values.page !== 'a4' && values.page !== 'letter')
  fail(`--page: expected a4 or letter, got ${values.page}`)
if (statSync(source).size > MAX_BYTES) fail(`${source}: expected at most ${MAX_BYTES} bytes`)

const folder = realpathSync(dirname(resolve(source)))
const warnings: string[] = []
const pictures = new Set<string>()
const text = readFileSync(source, 'utf8')
const require = createRequire(import.meta.url)
// The package is CommonJS, and its types say otherwise.
const pdfmake = require('pdfmake') as typeof PdfMake
const fonts = require('pdfmake/fonts/Roboto') as typeof PdfMake.fonts
const fontFiles = new Set(Object.values(fonts).flatMap((faces) => Object.values(faces)))
pdfmake.setFonts(fonts)
pdfmake.setUrlAccessPolicy(() => false)
pdfmake.setLocalAccessPolicy((path) => pictures.has(path) || fontFiles.has(path))

const definition: TDocumentDefinitions = {
  pageSize: values.page === 'a4' ? 'A4' : 'LETTER',
  pageMargins: [60, 56, 60, 56],
  info: { title: values.title ?? basename(target, '.pdf') },
  defaultStyle: { font: 'Roboto', fontSize: 10, lineHeight: 1.25 },
  footer: (page, pages) => ({
    text: `${page} / ${pages}`,
    alignment: 'center',
    fontSize: 8,
    margin: [0, 20],
  }),
  content: blocks(marked.lexer(text)),
}
const part = `${target}.part`
try {
  await pdfmake.createPdf(definition).write(part)
  renameSync(part, target)
} finally {
  rmSync(part, { force: true })
}
const unknown = withoutGlyph(text)
if (unknown.length > 0)
  warnings.push(`no glyph for ${unknown.length} characters: ${unknown.slice(0, 10).join(' ')}`)
for (const warning of warnings) console.error(`md2pdf: ${warning}`)
const made = readFileSync(target)
console.log(
  `${target}: ${made.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0} pages, ${made.length} bytes`,
)

function blocks(tokens: readonly Token[]): Content[] {
  return tokens.flatMap((token) => block(token as Tokens.Generic))
}

/** The largest part of the text: what Markdown knows as a block. */
function block(token: Tokens.Generic): Content[] {
  switch (token.type) {
    case 'heading':
      return [
        {
          text: inline(token.tokens),
          fontSize: HEADING_SIZES[token.depth - 1],
          bold: true,
          margin: [0, 8, 0, 4],
        },
      ]
    case 'paragraph':
    case 'text':
      return paragraph(token)
    case 'list':
      return [list(token as Tokens.List)]
    case 'code':
      return [
        {
          table: { widths: ['*'], body: [[{ text: token.text, fontSize: 8, preserveLeadingSpaces: true }]] },
          layout: 'noBorders',
          fillColor: '#f3f3f3',
          margin: [0, 2, 0, 6],
        },
      ]
    case 'blockquote':
      return [{ stack: blocks(token.tokens ?? []), margin: [14, 0, 0, 4], color: '#444444' }]
    case 'table':
      return [table(token as Tokens.Table)]
    case 'hr':
      return [
        {
          canvas: [{ type: 'line', x1: 0, y1: 0, x2: TEXT_WIDTH, y2: 0, lineWidth: 0.5 }],
          margin: [0, 4, 0, 8],
        },
      ]
    case 'html':
      return [{ text: token.text.replace(/<[^>]*>/g, ''), margin: [0, 0, 0, 6] }]
    default:
      return []
  }
}

function paragraph(token: Tokens.Generic): Content[] {
  if (token.raw.trim() === PAGE_MARK) return [{ text: '', pageBreak: 'after' }]
  const inner = (token.tokens ?? []) as Tokens.Generic[]
  if (inner.length > 0 && inner.every(({ type, raw }) => type === 'image' || raw.trim() === ''))
    return inner.filter(({ type }) => type === 'image').map(picture)
  return [{ text: inner.length > 0 ? inline(inner) : token.text, margin: [0, 0, 0, 6] }]
}

function list({ ordered, start, items }: Tokens.List): Content {
  const entries = items.map((item): Content => {
    const parts = (item.tokens as Tokens.Generic[]).filter(({ type }) => type !== 'checkbox')
    const [first, ...rest] = parts
    const mark: Content[] = item.task ? [{ text: item.checked ? '[x] ' : '[ ] ' }] : []
    const line: Content[] =
      first?.type === 'text' ? [{ text: [...mark, ...inline(first.tokens)], margin: [0, 0, 0, 3] }] : []
    return { stack: [...line, ...blocks(line.length > 0 ? rest : parts)] }
  })
  const margin: [number, number, number, number] = [0, 0, 0, 6]
  return ordered ? { ol: entries, start: start === '' ? 1 : start, margin } : { ul: entries, margin }
}

function table({ header, rows }: Tokens.Table): Content {
  if (header.length > WIDE_TABLE) warnings.push(`a table has ${header.length} columns: its cells are narrow`)
  const cell = (one: Tokens.TableCell): TableCell => ({
    text: inline(one.tokens),
    fontSize: 9,
    ...(one.align === null ? {} : { alignment: one.align }),
  })
  const head = header.map(
    (one): TableCell => ({
      ...(cell(one) as object),
      text: inline(one.tokens),
      bold: true,
      fillColor: '#eeeeee',
    }),
  )
  return {
    table: {
      headerRows: 1,
      widths: header.map(() => '*'),
      body: [head, ...rows.map((row) => row.map(cell))],
    },
    layout: {
      hLineWidth: () => 0.4,
      vLineWidth: () => 0.4,
      hLineColor: () => '#999999',
      vLineColor: () => '#999999',
    },
    margin: [0, 2, 0, 8],
  }
}

/** What stands within a line, as runs that each carry their whole style: pdfmake does not hand it down. */
function inline(tokens: readonly Token[] = [], style: object = {}): Content[] {
  return (tokens as Tokens.Generic[]).flatMap((token): Content[] => {
    switch (token.type) {
      case 'strong':
        return inline(token.tokens, { ...style, bold: true })
      case 'em':
        return inline(token.tokens, { ...style, italics: true })
      case 'del':
        return inline(token.tokens, { ...style, decoration: 'lineThrough' })
      case 'link': {
        const link = { link: token.href, color: '#1a56a0', decoration: 'underline' }
        return inline(token.tokens, /^(?:https?|mailto):/i.test(token.href) ? { ...style, ...link } : style)
      }
      case 'codespan':
        return [{ text: token.text, ...style, background: '#f3f3f3' }]
      case 'br':
        return ['\n']
      case 'image':
        return [{ text: `[${token.text || 'picture'}]`, ...style }]
      case 'checkbox':
        return []
      default:
        return token.tokens ? inline(token.tokens, style) : [{ text: plain(token), ...style }]
    }
  })
}

/** A text without the escapes that its HTML would have. */
function plain(token: Tokens.Generic): string {
  return token.type === 'escape' ? token.raw.slice(1) : token.text.replace(/\s*\n\s*/g, ' ')
}

/** Only files beside the text or below it: a text from elsewhere must not choose what is sent on. */
function picture(token: Tokens.Generic): Content {
  const path = resolve(folder, decodeURI(token.href))
  try {
    const real = realpathSync(path)
    if (!real.startsWith(folder + sep) || statSync(real).size > MAX_PICTURE)
      throw new Error('it is elsewhere, or too large')
    const first = readFileSync(real).subarray(0, 4).toString('latin1')
    if (first !== '\x89PNG' && !first.startsWith('\xff\xd8')) throw new Error('expected PNG or JPEG')
    pictures.add(real)
    return { image: real, fit: [TEXT_WIDTH, 460], margin: [0, 2, 0, 8] }
  } catch (error) {
    warnings.push(
      `picture ${token.href} is left out: ${error instanceof Error ? error.message : String(error)}`,
    )
    return { text: `[${token.text || token.href}]`, margin: [0, 0, 0, 6] }
  }
}

/** Roboto has Latin, Greek and Cyrillic letters. */
function withoutGlyph(all: string): string[] {
  const fontkit = createRequire(require.resolve('pdfmake'))('fontkit') as {
    openSync(path: string): { hasGlyphForCodePoint(code: number): boolean }
  }
  const font = fontkit.openSync(
    join(dirname(require.resolve('pdfmake/fonts/Roboto')), 'Roboto/Roboto-Regular.ttf'),
  )
  const odd = new Set(Array.from(all).filter((char) => !/\s/.test(char)))
  return [...odd].filter((char) => !font.hasGlyphForCodePoint(char.codePointAt(0) ?? 0))
}

function fail(problem: string): never {
  console.error(`md2pdf: ${problem}`)
  process.exit(1)
}
