import { describe, expect, it } from 'vitest'
import { cleanText } from '../../../markdown/clean-text.ts'
import { parseMarkdown } from '../../../markdown/parse-markdown.ts'
import { beginningOf, plainTextOf, readPart, renderParts, type TelegramPart } from './render-parts.ts'

const parts = (markdown: string) => renderParts(markdown).map(readPart)
const LONE_SURROGATE = /\p{Surrogate}/u
const dense = (text: string) => text.replace(/\s+/g, '')

describe('renderParts', () => {
  it('puts formatting beside the text', () => {
    expect(parts('**a** [b](https://e.org/)\n```sh\nls\n```')).toEqual([
      {
        text: 'a b\n\nls',
        entities: [
          { type: 'bold', offset: 0, length: 1 },
          { type: 'text_link', offset: 2, length: 1, url: 'https://e.org/' },
          { type: 'pre', offset: 5, length: 2, language: 'sh' },
        ],
      },
    ])
  })

  it('shows a placeholder instead of nothing', () => {
    for (const nothing of ['', ' \n', '\u200B', '```\n```', '****', '\u0000']) {
      expect(parts(nothing).every((part) => /\S/.test(part.text))).toBe(true)
    }
    expect(parts('')).toEqual([{ text: '(empty message)', entities: [] }])
  })

  it('says so when a text exceeds every bound, and sends no flood', () => {
    const rendered = parts('word '.repeat(100_000))
    expect(rendered.length).toBeLessThanOrEqual(61)
    expect(rendered.at(-1)?.text).toBe('(cut off here: the message had 500000 characters)')
    expect(parts('`a` '.repeat(12_000)).length).toBeLessThanOrEqual(61)
  })

  it('writes addresses out when formatting has to go', () => {
    const [part] = parts('see [this](https://e.org/a) and https://e.org/b and [that](https://e.org/c)')
    expect(plainTextOf(part as TelegramPart)).toBe(
      'see this (https://e.org/a) and https://e.org/b and that (https://e.org/c)',
    )
  })

  it('formats long answers, and says all of one that would take long to format as it was written', () => {
    const paragraph = 'Ordinary **prose** with `code` and [a link](https://e.org/) in it.\n\n- one\n- two\n\n'
    expect(parts(paragraph.repeat(120)).every(({ entities }) => entities.length > 0)).toBe(true)
    const hostile = `**a** ${'![<a>'.repeat(1_500)}`
    const rendered = parts(hostile)
    expect(rendered.flatMap(({ entities }) => entities)).toEqual([])
    expect(rendered.map(({ text }) => text).join('')).toBe(hostile)
  })

  it('begins a very long text as it begins a shorter one, also when most of it is not shown', () => {
    const long = 'word '.repeat(30_000)
    expect(beginningOf(long)).toBe(renderParts(long)[0])
    expect(beginningOf('\u0000'.repeat(50_001) + long.slice(0, 100_000))).toBe(renderParts(long)[0])
    expect(beginningOf(`${'\u0000'.repeat(50_001)}word`)).toBe(null)
  })

  it('refuses a part that it did not make', () => {
    for (const foreign of ['plain', '{}', '{"text":""}', 'null']) expect(() => readPart(foreign)).toThrow()
  })

  it.each(HOSTILE_SHAPES())('does not blow up on %s', (_name, text) => {
    const before = process.cpuUsage()
    const rendered = parts(text)
    const { user, system } = process.cpuUsage(before)
    // About 15 ms where it was measured, with room for a busy machine: without a bound some take seconds.
    expect((user + system) / 1e3).toBeLessThan(300)
    checkParts(rendered)
  })

  it('holds its promises for random markdown', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const markdown = randomMarkdown(seed)
      const rendered = parts(markdown)
      checkParts(rendered)
      const linked = parseMarkdown(markdown, (url) => /^(?:https?|tg):\/\/\S+$/i.test(url)).text
      expect(dense(rendered.map((part) => part.text).join('')), `seed ${seed}`).toBe(dense(linked))
    }
  })

  it('loses no letter of plain random text', () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const random = generator(seed)
      const text = Array.from({ length: 3000 }, () => pick(random, PIECES_OF_TEXT)).join('')
      expect(
        dense(
          parts(text)
            .map((part) => part.text)
            .join(''),
        ),
        `seed ${seed}`,
      ).toBe(dense(cleanText(text)))
    }
  })
})

/** Everything that Telegram demands of a text and its entities. */
function checkParts(rendered: TelegramPart[]): void {
  expect(rendered.length).toBeGreaterThanOrEqual(1)
  for (const { text, entities } of rendered) {
    expect(text.length).toBeLessThanOrEqual(4096)
    expect(text.trim()).not.toBe('')
    expect(text).not.toMatch(LONE_SURROGATE)
    expect(entities.length).toBeLessThanOrEqual(100)
    for (const [index, entity] of entities.entries()) {
      const end = entity.offset + entity.length
      expect(entity.length).toBeGreaterThan(0)
      expect(end).toBeLessThanOrEqual(text.length)
      expect(text.slice(entity.offset, end)).not.toMatch(LONE_SURROGATE)
      for (const other of entities.slice(index + 1)) {
        if (other.offset >= end) continue
        expect(other.offset + other.length, 'nested, not crossing').toBeLessThanOrEqual(end)
        expect(['code', 'pre'], 'code holds nothing').not.toContain(entity.type)
        if (other.type === 'code' || other.type === 'pre') expect(entity.type).toBe('blockquote')
        expect(other.type === entity.type, 'no kind inside itself').toBe(false)
      }
    }
  }
}

function HOSTILE_SHAPES(): [string, string][] {
  return [
    ['open brackets', '['.repeat(50_000)],
    ['open images', '!['.repeat(25_000)],
    ['stars', '*a '.repeat(16_000)],
    ['mixed emphasis', '*_'.repeat(25_000)],
    ['deep quotes', '> '.repeat(25_000)],
    ['half links', '[a]('.repeat(12_000)],
    ['many code spans', '`a` '.repeat(12_000)],
    ['short open images', '!['.repeat(2_500)],
    ['tags in open images', '![<a>'.repeat(1_600)],
    ['few brackets, many marks', `${'!['.repeat(48)}${'@'.repeat(8_000)}`],
    ['deep quotes of the same lines', '>>>>>>\n|-|\n'.repeat(900)],
    ['deep quotes of lists', '- > '.repeat(40).concat('b\n'.repeat(20_000))],
    ['entities', '&amp;'.repeat(2_000)],
    ['half surrogates', '\ud800a'.repeat(100_000)],
    ['a short wide table', `|${'a|'.repeat(700)}\n|${'-|'.repeat(700)}\n${'|\n'.repeat(100)}`],
    ['a wide table', `|${'a|'.repeat(1000)}\n|${'-|'.repeat(1000)}\n${'|\n'.repeat(20_000)}`],
    ['one endless grapheme', `a${'\u0301'.repeat(200_000)}`],
    ['emoji families', '👨‍👩‍👧‍👦'.repeat(10_000)],
    ['backticks of every length', Array.from({ length: 300 }, (_, n) => '`'.repeat(n)).join(' ')],
  ]
}

const PIECES = [
  'word ',
  'Wörter ',
  '漢字',
  '👨‍👩‍👧‍👦',
  '😀 ',
  '**',
  '_',
  '~~',
  '`',
  '``` ',
  '\n```ts\n',
  '\n```\n',
  '\n\n',
  '\n',
  '\n# ',
  '\n> ',
  '\n- ',
  '\n  - ',
  '\n1. ',
  '\n---\n',
  '[label](https://example.org/a?b=c)',
  '[m](mailto:x@example.org)',
  '![i](https://example.org/i.png)',
  '<b>',
  '&lt;',
  '\n| a | b |\n|---|---|\n| `c` | **d** |\n',
  '\\*',
  'e\u0301',
  '    ',
  `${'x'.repeat(700)} `,
] as const

const PIECES_OF_TEXT = ['word ', 'a', '漢', '😀', '👨‍👩‍👧‍👦', '\n', '\n\n', 'e\u0301', '. ', ', '] as const

function randomMarkdown(seed: number): string {
  const random = generator(seed)
  const length = 20 + Math.floor(random() * 600)
  return `start ${Array.from({ length }, () => pick(random, PIECES)).join('')}`
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

/** Mulberry32: the same seed, the same text. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
