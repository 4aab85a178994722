import { describe, expect, it } from 'vitest'
import { parseMarkdown } from './parse-markdown.ts'
import type { RichText } from './rich-text.ts'
import { splitRichText } from './split-rich-text.ts'

const linkable = (url: string) => url.startsWith('https://')

function split(markdown: string, limit: number, maxSpans = 100): RichText[] {
  return splitRichText(parseMarkdown(markdown, linkable), { limit, maxSpans })
}

const texts = (parts: RichText[]) => parts.map((part) => part.text)

describe('splitRichText', () => {
  it('leaves a text that fits alone, and makes nothing of nothing', () => {
    expect(texts(split('short', 10))).toEqual(['short'])
    expect(split('', 10)).toEqual([])
    expect(split(' \n ', 10)).toEqual([])
  })

  it('cuts between paragraphs, else between lines, else between words', () => {
    expect(texts(split('one two\n\nthree four\nfive', 15))).toEqual(['one two', 'three four\nfive'])
    expect(texts(split('one two\nthree four', 12))).toEqual(['one two', 'three four'])
    expect(texts(split('one two three', 9))).toEqual(['one two', 'three'])
    expect(texts(split('abcdefghij', 4))).toEqual(['abcd', 'efgh', 'ij'])
  })

  it('closes a code block at a cut and opens it again with its language', () => {
    const parts = split('```ts\nline one\n  line two\nline three\n```', 12)
    expect(texts(parts)).toEqual(['line one', '  line two', 'line three'])
    for (const part of parts) {
      expect(part.spans).toEqual([{ kind: 'pre', language: 'ts', start: 0, end: part.text.length }])
    }
  })

  it('does not cut a link that fits whole', () => {
    const parts = split('see [the long label](https://e.org/) now', 14)
    expect(texts(parts)).toEqual(['see', 'the long label', 'now'])
    expect(parts[1]?.spans).toEqual([{ kind: 'link', url: 'https://e.org/', start: 0, end: 14 }])
  })

  it('gives a link that does not fit its address in every part', () => {
    const parts = split(`[${'x'.repeat(20)}](https://e.org/)`, 8)
    expect(parts.map((part) => part.spans.map((span) => span.url))).toEqual(Array(3).fill(['https://e.org/']))
  })

  it('cuts neither a surrogate pair nor a grapheme cluster', () => {
    const family = '👨‍👩‍👧‍👦'
    expect(texts(split(family.repeat(3), family.length * 2 - 1))).toEqual([family, family, family])
    expect(texts(split('e\u0301e\u0301', 3))).toEqual(['e\u0301', 'e\u0301'])
    expect(texts(split('😀'.repeat(3), 3))).toEqual(['😀', '😀', '😀'])
  })

  it('cuts a cluster that is longer than a part, but no surrogate pair in it', () => {
    const parts = split(`a${'\u{1D165}'.repeat(20)}`, 6)
    expect(parts.length).toBeGreaterThan(1)
    for (const part of parts) expect(part.text).not.toMatch(/\p{Surrogate}/u)
  })

  it('bounds the spans of a part', () => {
    const parts = split('`a` '.repeat(25), 1000, 10)
    expect(parts.map((part) => part.spans.length)).toEqual([10, 10, 5])
    expect(parts.map((part) => part.text.replaceAll(' ', '')).join('')).toBe('a'.repeat(25))
  })
})
