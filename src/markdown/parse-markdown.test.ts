import { describe, expect, it } from 'vitest'
import { parseMarkdown } from './parse-markdown.ts'

const linkable = (url: string) => /^https?:\/\//.test(url)

/** The text, and each span as "kind: what it covers". */
function read(markdown: string): { text: string; spans: string[] } {
  const rich = parseMarkdown(markdown, linkable)
  const spans = rich.spans.map((span) => {
    const extra = span.url ?? span.language
    return `${span.kind}: ${rich.text.slice(span.start, span.end)}${extra === undefined ? '' : ` -> ${extra}`}`
  })
  return { text: rich.text, spans }
}

describe('parseMarkdown', () => {
  it('reads inline formatting', () => {
    expect(read('a **bold _and italic_** ~~gone~~ `code`')).toEqual({
      text: 'a bold and italic gone code',
      spans: ['bold: bold and italic', 'italic: and italic', 'strike: gone', 'code: code'],
    })
  })

  it('takes styles away from code, which can hold none', () => {
    expect(read('# Call `run()` now').spans).toEqual(['bold: Call ', 'code: run()', 'bold:  now'])
  })

  it('keeps the language of a fence and every space in it', () => {
    expect(read('before\n```ts title\n  if (a) {\n\n  }\n```\nafter')).toEqual({
      text: 'before\n\n  if (a) {\n\n  }\n\nafter',
      spans: ['pre:   if (a) {\n\n  } -> ts'],
    })
  })

  it('writes lists as bullets and numbers, nested by indentation', () => {
    expect(read('list:\n- a\n- b\n  - c\n\n3. x\n4. y').text).toBe('list:\n\n• a\n• b\n  • c\n\n3. x\n4. y')
  })

  it('writes a table as aligned text', () => {
    expect(read('| name | n |\n|---|---|\n| long name | 1 |')).toEqual({
      text: 'name      | n\n----------+--\nlong name | 1',
      spans: ['pre: name      | n\n----------+--\nlong name | 1'],
    })
  })

  it('marks a quote once, however deep it is', () => {
    expect(read('> a\n> > b\n\nc')).toEqual({ text: 'a\n\nb\n\nc', spans: ['quote: a\n\nb'] })
  })

  it('links only what may be linked and writes other addresses out', () => {
    expect(read('[a](https://e.org/x) [m](mailto:a@b.c) [f](./x.md)')).toEqual({
      text: 'a m (mailto:a@b.c) f (./x.md)',
      spans: ['link: a -> https://e.org/x'],
    })
    expect(read('[evil](javascript:alert(1))')).toEqual({ text: '[evil](javascript:alert(1))', spans: [] })
    expect(read('<mailto:a@b.c> []( https://e.org )').text).toBe('mailto:a@b.c https://e.org')
  })

  it('shows an image as a link to it', () => {
    expect(read('![a cat](https://e.org/c.png)')).toEqual({
      text: '[image: a cat]',
      spans: ['link: [image: a cat] -> https://e.org/c.png'],
    })
  })

  it.each([
    ['<b>html</b> &amp; <!-- comment -->', '<b>html</b> & <!-- comment -->'],
    ['[ref]: https://e.org "never used"', '[ref]: https://e.org "never used"'],
    ['**open `and [never](closed', '**open `and [never](closed'],
    ['a\r\nb\rc', 'a\nb\nc'],
    ['nul\u0000 bell\u0007 lone\uD800', 'nul bell lone\uFFFD'],
    ['', ''],
  ])('loses nothing of %j', (markdown, text) => {
    expect(read(markdown)).toEqual({ text, spans: [] })
  })

  it('gives text that nests too deep for the parser as it stands', () => {
    const deep = `${'> '.repeat(300)}bottom`
    expect(read(deep)).toEqual({ text: deep, spans: [] })
    const stairs = Array.from({ length: 120 }, (_, depth) => `${'  '.repeat(depth)}- step${depth}`).join('\n')
    for (let depth = 0; depth < 120; depth += 1) expect(read(stairs).text).toContain(`step${depth}`)
  })
})
