import { describe, expect, test } from 'vitest'
import { formattingWork } from './formatting-work.ts'

const filled = (pattern: string, units = 10_000) =>
  pattern.repeat(Math.ceil(units / pattern.length)).slice(0, units)

describe('formattingWork', () => {
  const ENOUGH = 100_000

  test.each([
    [
      'prose',
      'What I found is **this**: a "thing" (see `file.ts`), and - last - another one. So it goes.\n\n',
    ],
    ['a list', '- one **thing** and `another`, which are told of at some length\n  - and one below it\n'],
    ['code', '```ts\nconst [a, b] = read<string>(file)[0] ?? []\nif (a && !b) return { a, b: a }\n```\n\n'],
    ['quotes', '> somebody said this\n> and that\n\nto which there is an answer\n\n'],
    ['a table', '| name of it | what | much |\n|---|---|---|\n| first | a thing | 12.50 |\n'],
    ['things to do', '- [ ] one **thing**, told of at some length\n- [x] another that is done, `it`\n'],
    ['links', '[The page](https://example.org/docs/page): what is there, and why one should read it.\n\n'],
  ])('is little for %s', (_name, pattern) => {
    expect(formattingWork(filled(pattern))).toBeLessThan(ENOUGH)
  })

  test.each([
    ['open brackets', filled('![', 3_000)],
    ['few open brackets before many marks', '['.repeat(90) + filled('@', 3_000)],
    ['brackets with lines between them that only seem empty', filled('[\n\u00a0\n', 9_000)],
    ['emphasis', filled('*_')],
    ['lines', filled('a\n')],
    ['entities', filled('&amp;')],
    ['a deep quote with lines that may belong to it', `${'>'.repeat(90)}a\n${filled('b\n', 2_000)}`],
    ['a wide table of empty rows', `|${'a|'.repeat(50)}\n|${'-|'.repeat(50)}\n${filled('|\n', 100)}`],
  ])('is much for %s', (_name, text) => {
    expect(formattingWork(text)).toBeGreaterThan(ENOUGH)
  })

  test('an empty line ends what was open', () => {
    const block = '[a @ @ @ @\n'.repeat(20)
    expect(formattingWork(`${block}\n`.repeat(20))).toBeLessThan(20 * formattingWork(block) + 1_000)
    expect(formattingWork(block.repeat(20))).toBeGreaterThan(40 * formattingWork(block))
    expect(formattingWork('')).toBe(0)
  })
})
