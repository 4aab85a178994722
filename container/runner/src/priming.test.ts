import { describe, expect, it } from 'vitest'
import { cutOffText, primerOf } from './priming.ts'
import type { FoundEntry } from './transcript-entry.ts'

/** A transcript of these texts, the first being the oldest. */
function transcriptOf(...texts: readonly string[]) {
  const all = texts.map((text, n): FoundEntry => ({ key: `${n + 1}-0`, text }))
  return {
    folderOf: (session: string) => `conversations/of-${session}`,
    newest(_: string, enough: (entry: FoundEntry) => boolean) {
      const entries: FoundEntry[] = []
      for (const entry of all.toReversed()) {
        if (enough(entry)) return { entries, more: true }
        entries.push(entry)
      }
      return { entries, more: false }
    },
  }
}

const primer = (texts: readonly string[], budget: number, without = '') =>
  primerOf(transcriptOf(...texts), { session: 's', budget, without, memoryPath: '/memory' })

describe('a primer', () => {
  it('is all exchanges, oldest first, when they fit', () => {
    const { text, exchanges } = primer(['one', 'two', 'three'], 1_000)
    expect(exchanges).toBe(3)
    expect(text).toMatch(/^<transcript>\n\n.+\n\none\n\ntwo\n\nthree\n\n<\/transcript>$/)
    expect(text).toContain('It is also in /memory/conversations/of-s, one file for each day.')
  })

  it('is the newest that fit, and says what is missing and where it is', () => {
    const { text, exchanges } = primer(['a'.repeat(60), 'b'.repeat(60), 'c'.repeat(60)], 130)
    expect(exchanges).toBe(2)
    expect(text).not.toContain('aaa')
    expect(text).toContain('Only its newest 2 exchanges are here. All of it is in /memory/conversations/of-s')
  })

  it('leaves out the message that is about to be answered', () => {
    expect(primer(['one', 'two'], 1_000, '2-0').text).not.toContain('two')
    expect(primer(['one'], 1_000, '1-0')).toEqual({ text: '', exchanges: 0 })
  })

  it('is nothing when nothing was said, or nothing may be', () => {
    expect(primer([], 1_000)).toEqual({ text: '', exchanges: 0 })
    expect(primer(['one'], 0)).toEqual({ text: '', exchanges: 0 })
  })

  it.each([1, 10, 100, 1_000, 24_000])(
    'keeps a budget of %i characters, give or take its own words',
    (budget) => {
      const texts = Array.from({ length: 300 }, (_, n) => `${n} ${'💬'.repeat((n * 7919) % 5_000)}`)
      const { text } = primer(texts, budget)
      expect(text.length).toBeLessThan(budget + 600)
      expect(text.isWellFormed()).toBe(true)
    },
  )

  it('takes the two ends of an exchange that is too long by itself', () => {
    const { text } = primer([`FIRST${'x'.repeat(50_000)}LAST`], 1_000)
    expect(text).toMatch(/FIRSTx+\n\(… \d+ characters left out …\)\nx+LAST/)
  })
})

describe('the word on a try that was cut off', () => {
  it('names what was said and done, quoted', () => {
    const text = cutOffText(['first\nline', 'second'], ['bash', 'edit'])
    expect(text).toContain('Tools you had used: bash, edit.')
    expect(text).toContain('> first\n> line\n> \n> second')
    expect(cutOffText(['x'.repeat(90_000)], []).length).toBeLessThan(5_000)
  })

  it('is empty when nothing was', () => {
    expect(cutOffText([], [])).toBe('')
  })
})
