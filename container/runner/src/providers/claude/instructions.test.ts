import { describe, expect, it } from 'vitest'
import { fitInstructions } from './instructions.ts'

const LIMIT = 3_000
const section = (name: string, size: number) => `## ${name}\n${'x'.repeat(size)}\n`
const bytes = (text: string) => Buffer.byteLength(text)

describe('instructions', () => {
  it('that fit stay as they are', () => {
    const text = `# Me\nhello\n${section('A', 100)}`
    expect(fitInstructions(text, LIMIT)).toEqual({ text, leftOut: [] })
    expect(fitInstructions('', LIMIT)).toEqual({ text: '', leftOut: [] })
  })

  it('that are too long lose their largest sections first, and name them', () => {
    const text = `# Me\nI am Ann.\n${section('Small', 200)}${section('Huge', 9_000)}${section('Mid', 900)}`
    const fitted = fitInstructions(text, LIMIT)
    expect(fitted.leftOut).toEqual(['Huge'])
    expect(fitted.text).toContain('I am Ann.')
    expect(fitted.text).toContain('## Small')
    expect(fitted.text).toContain('## Mid')
    expect(fitted.text).toMatch(/longer than 3000 bytes; left out: "Huge"\.\)$/)
    expect(bytes(fitted.text)).toBeLessThanOrEqual(LIMIT)
  })

  it('without sections are cut at a whole character, and say so', () => {
    const fitted = fitInstructions(`I am Ann. ${'é'.repeat(5_000)}`, LIMIT)
    expect(fitted.text).toMatch(/^I am Ann\. é+\n\n\(These instructions .* the rest above is cut\.\)$/)
    expect(fitted.leftOut).toEqual([expect.stringMatching(/^the end of "I am Ann/)])
    expect(bytes(fitted.text)).toBeLessThanOrEqual(LIMIT)
  })

  it('of thousands of sections still fit with their note', () => {
    const text = Array.from({ length: 2_000 }, (_, n) => section(`${n} ${'n'.repeat(100)}`, 50)).join('')
    const fitted = fitInstructions(`# Me\n${text}`, LIMIT)
    expect(bytes(fitted.text)).toBeLessThanOrEqual(LIMIT)
    expect(fitted.text.startsWith('# Me\n')).toBe(true)
  })

  it('take a line in fenced code for no heading', () => {
    const text = `# Me\n\`\`\`\n# not a heading\n\`\`\`\n${section('Big', 5_000)}`
    expect(fitInstructions(text, LIMIT).text).toContain('# not a heading')
  })
})
