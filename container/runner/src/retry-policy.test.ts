import { FailureReason, TurnLimits } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { retryWait } from './retry-policy.ts'
import type { FailedTurn } from './turn-record.ts'

const LIMITS = TurnLimits.parse({})
const failed = (reason: FailureReason, more: Partial<FailedTurn> = {}): FailedTurn => {
  return { kind: 'failed', reason, message: 'x', ...more }
}
const first = { again: 0, sinceFirstFailureMs: 0 }

describe('a failed turn', () => {
  it('is tried again for what passes, and for nothing else', () => {
    const waits = FailureReason.options.map((reason) => [reason, retryWait(failed(reason), first, LIMITS)])
    expect(Object.fromEntries(waits)).toEqual({
      auth: null,
      quota: null,
      'rate-limited': 2_000,
      overloaded: 2_000,
      'context-overflow': null,
      'resume-lost': null,
      crashed: 2_000,
      timeout: 2_000,
      refused: null,
      other: null,
    })
  })

  it('waits longer each time, and only so often', () => {
    const waits = [0, 1, 2].map((again) => retryWait(failed('crashed'), { ...first, again }, LIMITS))
    expect(waits).toEqual([2_000, 4_000, null])
    expect(retryWait(failed('crashed'), first, { ...LIMITS, retries: 0 })).toBeNull()
  })

  it('waits as long as the service asks, within the time that there is', () => {
    const asked = (retryAfterMs: number) => retryWait(failed('rate-limited', { retryAfterMs }), first, LIMITS)
    expect(asked(500)).toBe(2_000)
    expect(asked(30_000)).toBe(30_000)
    expect(asked(60_000)).toBe(60_000)
    expect(asked(60_001)).toBeNull()
  })

  it('is not tried again when it has been failing for long', () => {
    const after = (sinceFirstFailureMs: number) =>
      retryWait(failed('overloaded'), { again: 1, sinceFirstFailureMs }, LIMITS)
    expect(after(56_000)).toBe(4_000)
    expect(after(56_001)).toBeNull()
  })

  it('is not tried again when the provider broke its own rules', () => {
    expect(retryWait(failed('crashed', { bug: true }), first, LIMITS)).toBeNull()
  })
})
