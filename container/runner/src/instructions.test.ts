import { describe, expect, it } from 'vitest'
import { composeInstructions, type InstructionPart } from './instructions.ts'

const WHOLE = '/home/agent/.creel/instructions.md'
const bytes = (text: string) => Buffer.byteLength(text)
const part = (name: string, text: string, optional = false): InstructionPart => ({ name, text, optional })
const filler = (size: number) => 'x'.repeat(size)

describe('composed instructions', () => {
  it('are all parts in their order when they fit, to the last byte', () => {
    const parts = [
      part('base', 'Base ü\n'),
      part('AGENTS.md', '\n# Me\n'),
      part('empty', ' \n'),
      part('t', 'T', true),
    ]
    const text = 'Base ü\n\n# Me\n\nT'
    const fits = { text, leftOut: [], cut: undefined }
    expect(composeInstructions(parts, 1_000, WHOLE)).toEqual(fits)
    expect(composeInstructions(parts, bytes(text), WHOLE)).toEqual(fits)
    expect(composeInstructions([], 10, WHOLE)).toEqual({ ...fits, text: '' })
  })

  it('lose their largest optional parts first, and name them in their order', () => {
    const parts = [
      part('base', 'BASE'),
      part('mid', filler(600), true),
      part('AGENTS.md', `ME ${filler(900)}`),
      part('huge', filler(5_000), true),
      part('small', 'SMALL', true),
    ]
    const one = composeInstructions(parts, 2_000, WHOLE)
    expect(one.leftOut).toEqual(['huge'])
    expect(one.text).toMatch(
      /^BASE\n\nx{600}\n\nME x{900}\n\nSMALL\n\n\[Left out for lack of room: "huge"\. /,
    )
    const two = composeInstructions(parts, 1_200, WHOLE)
    expect(two.leftOut).toEqual(['mid', 'huge'])
    expect(two.text).toContain('"mid", "huge"')
    expect(two.text).toContain(`All of it is in ${WHOLE}`)
    expect(two.cut).toBeUndefined()
  })

  it('cut the end of a part that is too long by itself, where a line ends, and say how much', () => {
    const lines = Array.from({ length: 5_000 }, (_, i) => `Rule ${i}: be kind.`)
    const rules = lines.join('\n')
    const { text, cut, leftOut } = composeInstructions(
      [part('base', 'BASE'), part('AGENTS.md', rules), part('tools', 'TOOLS', true)],
      10_000,
      WHOLE,
    )
    expect(leftOut).toEqual(['tools'])
    const [base, kept = '', note = ''] = text.split('\n\n')
    expect(base).toBe('BASE')
    expect(lines.slice(0, kept.split('\n').length).join('\n')).toBe(kept)
    expect(cut).toEqual({ name: 'AGENTS.md', bytes: bytes(rules) - bytes(kept) })
    expect(note).toContain(`AGENTS.md ends here for lack of room: ${cut?.bytes} of its ${bytes(rules)} bytes`)
    expect(bytes(text)).toBeLessThanOrEqual(10_000)
    expect(bytes(text)).toBeGreaterThan(9_900)
  })

  it('say so when a part was given only in its beginning', () => {
    const parts = [part('base', 'BASE'), { ...part('AGENTS.md', 'ME'), bytes: 900_000 }, part('t', 'T', true)]
    const { text, cut, leftOut } = composeInstructions(parts, 64_000, WHOLE)
    expect(cut).toEqual({ name: 'AGENTS.md', bytes: 899_998 })
    expect(leftOut).toEqual([])
    expect(text).toMatch(/^BASE\n\nME\n\n\[AGENTS\.md ends here .*899998 of its 900000 bytes.*\]\n\nT$/)
  })

  it('name at most ten parts, with names of one line', () => {
    const parts = Array.from({ length: 30 }, (_, n) =>
      part(`tool\nserver ${n} ${filler(100)}`, filler(400), true),
    )
    const { text, leftOut } = composeInstructions([part('base', 'BASE'), ...parts], 2_000, WHOLE)
    expect(leftOut.every((name) => name.length <= 60)).toBe(true)
    expect(text).toMatch(/"tool server \d+ x+", .*, 1\d more\. All of it/)
    expect(bytes(text)).toBeLessThanOrEqual(2_000)
  })
})

/** Numbers that are the same in each run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const PIECES = ['a', 'é', '🎣', '\n', ' ', '# H\n', '\u{10ffff}', '\u2028', 'word ', '\ud800', '"', ']', '\0']

describe('whatever the parts and the bound', () => {
  it.each(Array.from({ length: 40 }, (_, n) => n))(
    'they fit, are sound and hide nothing (seed %i)',
    (seed) => {
      const below = numbers(seed)
      for (let n = 0; n < 25; n++) {
        const size = () => below([1, 40, 400, 3_000][below(4)] ?? 1)
        const text = () => Array.from({ length: size() }, () => PIECES[below(PIECES.length)]).join('')
        // What is not optional: Creel's own words, which are short, and a persona of any length.
        const parts = [
          part('base', 'BASE '.repeat(below(40))),
          part('AGENTS.md', text()),
          ...Array.from({ length: below(7) }, (_, i) => part(`part-${i}`, text(), true)),
        ]
        const bound = below([10, 500, 2_000, 20_000][below(4)] ?? 10)
        const { text: made, leftOut, cut } = composeInstructions(parts, bound, WHOLE)
        expect(bytes(made)).toBeLessThanOrEqual(bound)
        expect(made.isWellFormed()).toBe(true)
        // A lone surrogate is no text; it becomes the replacement character, as it would on its way to the model.
        const given = parts.map((one) => ({ ...one, text: one.text.toWellFormed().trim() }))
        const replaced = given.reduce((sum, one) => sum + one.text.split('\ufffd').length - 1, 0)
        expect(made.split('\ufffd').length - 1).toBeLessThanOrEqual(replaced)
        if (bound < 1_500) continue
        for (const one of given) {
          const gone = leftOut.includes(one.name)
          if (gone) expect(made).toContain(`"${one.name}"`)
          else if (cut?.name === one.name)
            expect(made).toContain(`${cut.bytes} of its ${bytes(one.text)} bytes`)
          else expect(made).toContain(one.text)
          expect(gone && !one.optional).toBe(false)
        }
      }
    },
  )
})
