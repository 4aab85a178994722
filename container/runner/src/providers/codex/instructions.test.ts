import { describe, expect, it } from 'vitest'
import { fitInstructions, MAX_INSTRUCTIONS_BYTES } from './instructions.ts'

const FULL = '/home/agent/.codex/full-instructions.md'

describe('fitInstructions', () => {
  it('leaves instructions alone that fit', () => {
    const text = 'x'.repeat(MAX_INSTRUCTIONS_BYTES)
    expect(fitInstructions(`\n${text}\n`, FULL)).toEqual({ text, leftOutBytes: 0 })
    expect(fitInstructions('', FULL)).toEqual({ text: '', leftOutBytes: 0 })
  })

  it('cuts longer ones at the end of a line, and says what is missing and where it is', () => {
    const lines = Array.from({ length: 5_000 }, (_, i) => `Rule ${i}: be kind.`)
    const { text, leftOutBytes } = fitInstructions(lines.join('\n'), FULL)
    const [kept = '', note = ''] = text.split('\n\n')
    expect(lines.slice(0, kept.split('\n').length).join('\n')).toBe(kept)
    expect(note).toContain(`${leftOutBytes} bytes`)
    expect(note).toContain(FULL)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_INSTRUCTIONS_BYTES)
    expect(Buffer.byteLength(kept) + leftOutBytes).toBe(Buffer.byteLength(lines.join('\n')))
  })

  it.each([0, 1, 2, 3])('never cuts through a character of one endless line (shifted by %i)', (shift) => {
    const { text } = fitInstructions('x'.repeat(shift) + '🎣'.repeat(MAX_INSTRUCTIONS_BYTES), FULL)
    expect(text).not.toContain('\ufffd')
    expect(text.split('\n\n')[0]).toMatch(/^x*(?:🎣)+$/u)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_INSTRUCTIONS_BYTES)
  })
})
