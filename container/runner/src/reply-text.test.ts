import { MAX_BODY_BYTES, MAX_TEXT } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { boundedText, failureReply, tail } from './reply-text.ts'

describe('bounded text', () => {
  it('leaves alone what fits', () => {
    expect(boundedText('a'.repeat(MAX_TEXT))).toHaveLength(MAX_TEXT)
    expect(boundedText('')).toBe('')
  })

  it.each([
    ['long', 'a'.repeat(MAX_TEXT * 3)],
    ['astral', '𝄞'.repeat(MAX_TEXT)],
    ['odd astral', `a${'𝄞'.repeat(MAX_TEXT)}`],
    ['control characters, six bytes each', '\u0000'.repeat(MAX_TEXT)],
    ['lone surrogates', '\ud800'.repeat(MAX_TEXT * 2)],
  ])('cuts %s text within both bounds and says so', (_, text) => {
    const cut = boundedText(text)
    expect(cut.length).toBeLessThanOrEqual(MAX_TEXT)
    expect(Buffer.byteLength(JSON.stringify({ type: 'reply', inboxSeq: 1, text: cut }))).toBeLessThan(
      MAX_BODY_BYTES,
    )
    expect(cut).toContain(`(cut here: the answer was ${text.length} characters long)`)
  })
})

it('the tail of a text is marked and starts with a whole character', () => {
  expect(tail('abcdef', 6)).toBe('abcdef')
  expect(tail('abcdef', 4)).toBe('…def')
  expect(tail('ab𝄞def', 5)).toBe('…def')
})

it('failures are told in plain words, without the details', () => {
  expect(failureReply('auth')).toBe(
    'The agent could not answer: its provider did not accept the credentials.',
  )
})
