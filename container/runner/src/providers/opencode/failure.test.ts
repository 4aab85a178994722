import { describe, expect, it } from 'vitest'
import { failureOf, reasonOfWords, retryAfterMs } from './failure.ts'
import type { WireError } from './wire.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

function apiError(status: number | undefined, message = 'boom', more: Partial<WireError> = {}): WireError {
  return { name: 'APIError', message, status, retryable: false, body: '', retryAfter: undefined, ...more }
}

describe('failureOf', () => {
  it.each([
    [apiError(401), 'auth'],
    [apiError(403), 'auth'],
    [apiError(402), 'quota'],
    [apiError(429), 'rate-limited'],
    [apiError(429, 'boom', { body: '{"error":{"code":"insufficient_quota"}}' }), 'quota'],
    [apiError(400, 'Your credit balance is too low to access the Anthropic API.'), 'quota'],
    [apiError(400, 'prompt is too long: 250000 tokens > 200000 maximum'), 'context-overflow'],
    [apiError(413), 'context-overflow'],
    [apiError(404), 'other'],
    [apiError(500), 'overloaded'],
    [apiError(529), 'overloaded'],
    [apiError(undefined, 'Connection reset by server', { retryable: true }), 'overloaded'],
    [apiError(undefined), 'other'],
    [{ ...apiError(undefined), name: 'ProviderAuthError' }, 'auth'],
    [{ ...apiError(undefined), name: 'ContentFilterError' }, 'refused'],
    [{ ...apiError(undefined), name: 'ContextOverflowError' }, 'context-overflow'],
    [{ ...apiError(undefined), name: 'UnknownError' }, 'other'],
  ])('of %j is %s', (error, reason) => {
    expect(failureOf(error, NOW).reason).toBe(reason)
  })

  it('never passes on what the model API answered, which may hold what was sent', () => {
    const failed = failureOf(apiError(401, 'boom', { body: 'the-whole-answer' }), NOW)
    expect(failed.message).toBe('APIError (401): boom')
  })

  it('says how long to wait when the model does', () => {
    expect(failureOf(apiError(429, 'boom', { retryAfter: '2' }), NOW).retryAfterMs).toBe(2000)
    expect(failureOf(apiError(429), NOW)).not.toHaveProperty('retryAfterMs')
  })
})

describe('retryAfterMs', () => {
  it.each([
    ['0', 0],
    ['1.5', 1500],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['-5', 0],
    ['soon', undefined],
    [' ', undefined],
    [undefined, undefined],
  ])('%j is %j', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected)
  })
})

describe('reasonOfWords', () => {
  it.each([
    ['Rate limit exceeded', 'rate-limited'],
    ['Too Many Requests', 'rate-limited'],
    ['You exceeded your current quota', 'quota'],
    ['Overloaded', 'overloaded'],
    ['Connection reset by server', 'overloaded'],
  ])('%s is %s', (words, reason) => {
    expect(reasonOfWords(words)).toBe(reason)
  })
})
