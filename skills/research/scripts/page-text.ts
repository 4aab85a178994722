// Prints the readable text of an HTML page: node page-text.ts FILE, or - for standard input.
import { createReadStream } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { convert } from 'html-to-text'

const MAX_BYTES = 8 * 1024 * 1024
/** What is around a text and not part of it. */
const SKIPPED = ['nav', 'footer', 'aside', 'form', 'iframe', 'svg', 'noscript', 'template', 'button']

const [source] = process.argv.slice(2)
if (source === undefined || source === '--help')
  throw new Error('usage: node page-text.ts FILE, or - for standard input')

const data = await buffer(source === '-' ? process.stdin : createReadStream(source, { end: MAX_BYTES }))
if (data.length > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes: fetch a part of it`)
const html = decode(data)
const title = convert(/<title[^>]*>([^<]*)/i.exec(html)?.[1] ?? '', { wordwrap: false })
const text = convert(html, {
  wordwrap: false,
  selectors: [
    ...SKIPPED.map((selector) => ({ selector, format: 'skip' })),
    { selector: 'img', format: 'skip' },
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, noAnchorUrl: true } },
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
    ...[1, 2, 3, 4, 5, 6].map((level) => ({ selector: `h${level}`, options: { uppercase: false } })),
  ],
})
process.stdout.write(`${title === '' ? '' : `${title}\n\n`}${text}\n`)

/** In the encoding that the page names; UTF-8 when it names none, or one that nobody knows. */
function decode(page: Buffer): string {
  const declared = /charset=["']?([\w-]+)/i.exec(page.subarray(0, 4_096).toString('latin1'))?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(declared).decode(page)
  } catch (error) {
    if (error instanceof RangeError) return new TextDecoder().decode(page)
    throw error
  }
}
