import { describe, expect, it } from 'vitest'
import { failureOf } from './failure.ts'

/** The final errors of codex app-server 0.169.0 for faults of a mock model; three names are from its schema alone. */
const SEEN: readonly (readonly [string, unknown, string, object])[] = [
  [
    '401',
    { httpConnectionFailed: { httpStatusCode: 401 } },
    'unexpected status 401 Unauthorized',
    { reason: 'auth' },
  ],
  [
    '403',
    { httpConnectionFailed: { httpStatusCode: 403 } },
    'unexpected status 403 Forbidden',
    { reason: 'auth' },
  ],
  [
    '429 for ever',
    { responseTooManyFailedAttempts: { httpStatusCode: 429 } },
    'exceeded retry limit, last status: 429 Too Many Requests',
    { reason: 'rate-limited' },
  ],
  [
    'a rate limit in the stream',
    'rateLimitExceeded',
    'rate limit exceeded: Rate limit reached for gpt. Please try again in 1.5s.',
    { reason: 'rate-limited', retryAfterMs: 1_500 },
  ],
  ['a used-up quota', 'usageLimitExceeded', 'Quota exceeded.', { reason: 'quota' }],
  [
    '500 for ever',
    'internalServerError',
    'We’re currently experiencing high demand',
    { reason: 'overloaded' },
  ],
  ['503', 'serverOverloaded', 'Selected model is at capacity.', { reason: 'overloaded' }],
  [
    '529',
    { httpConnectionFailed: { httpStatusCode: 529 } },
    'unexpected status 529',
    { reason: 'overloaded' },
  ],
  ['a full context', 'contextWindowExceeded', 'Codex ran out of room', { reason: 'context-overflow' }],
  ['a bad request', 'other', '{"error":{"message":"bad thing"}}', { reason: 'other' }],
  ['an unknown model', 'modelNotFound', 'no such model', { reason: 'other' }],
  [
    'a filter',
    'other',
    'stream disconnected before completion: Incomplete response returned, reason: content_filter',
    { reason: 'refused' },
  ],
  [
    'a cut stream for ever',
    'other',
    'stream disconnected before completion: Transport error: network error',
    { reason: 'overloaded' },
  ],
  ['no key', 'other', 'Missing environment variable: `CREEL_MODEL_KEY`.', { reason: 'auth' }],
  ['a policy', 'cyberPolicy', 'not allowed', { reason: 'refused' }],
  ['a spent budget', 'sessionBudgetExceeded', 'budget', { reason: 'quota' }],
  ['a key that is not taken', 'unauthorized', 'who', { reason: 'auth' }],
]

describe('failureOf', () => {
  it.each(SEEN)('knows %s', (_name, codexErrorInfo, message, expected) => {
    expect(failureOf({ message, codexErrorInfo })).toMatchObject({ type: 'failed', message, ...expected })
  })

  it('reads how long to wait in the units that the API uses', () => {
    const wait = (text: string) =>
      failureOf({ message: text, codexErrorInfo: 'rateLimitExceeded' }).retryAfterMs
    expect(wait('Please try again in 250ms.')).toBe(250)
    expect(wait('Please try again in 2 s')).toBe(2_000)
    expect(wait('Please try again in 1m')).toBe(60_000)
    expect(wait('Please try again in a while')).toBeUndefined()
    expect(wait(`Please try again in ${'9'.repeat(400)}s`)).toBeUndefined()
  })

  it('has an answer for errors of any shape, and bounds their text', () => {
    for (const info of [
      null,
      undefined,
      7,
      [],
      {},
      { x: null },
      { x: { httpStatusCode: 'no' } },
      'toString',
    ]) {
      expect(failureOf({ message: 'm', codexErrorInfo: info }).reason).toBe('other')
    }
    expect(failureOf(null).reason).toBe('other')
    expect(failureOf({ message: 'x'.repeat(100_000), codexErrorInfo: 'other' }).message).toHaveLength(1_000)
  })
})
