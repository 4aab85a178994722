import { describe, expect, it } from 'vitest'
import { cleanName, cleanText, hasVisible } from './clean-text.ts'

describe('cleanName', () => {
  it.each([
    ['Alice', 'Alice'],
    ['Ali\u202Ece\u202C', 'Alice'],
    ['A\u200Bl\u200Di\u2060ce\uFEFF', 'Alice'],
    ['  two\n lines\t ', 'two lines'],
    ['\u0000\u0007', ''],
    ['\u2800\u3164', ''],
    ['\uD800x', 'x'],
    ['مريم', 'مريم'],
  ])('makes %j into %j', (name, clean) => {
    expect(cleanName(name)).toBe(clean)
  })

  it('bounds a name without cutting a character in two', () => {
    expect(cleanName('😀'.repeat(100), 10)).toBe('😀'.repeat(10))
    expect(cleanName('x'.repeat(1_000_000)).length).toBe(64)
  })
})

describe('cleanText', () => {
  it('keeps what is written and removes what is not text', () => {
    expect(cleanText('a\tb\r\nc\u0000\u009F\uDC00 👨‍👩‍👧')).toBe('a\tb\nc\uFFFD 👨‍👩‍👧')
  })
})

describe('hasVisible', () => {
  it('sees what a person sees', () => {
    expect(['a', '·', '👍', '漢'].map(hasVisible)).toEqual([true, true, true, true])
    expect(['', ' \n\t', '\u200B\u200D', '\u2800', '\u0301'].map(hasVisible)).toEqual(Array(5).fill(false))
  })
})
