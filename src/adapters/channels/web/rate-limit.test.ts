import { describe, expect, it } from 'vitest'
import type { UnixMs } from '../../../domain/ids.ts'
import { RateLimit } from './rate-limit.ts'

const at = (ms: number): UnixMs => (1_700_000_000_000 + ms) as UnixMs

describe('RateLimit', () => {
  it('allows a burst, then one at a time, and says how long to wait', () => {
    const limit = new RateLimit({ burst: 3, everyMs: 1_000 })
    expect([limit.take('a', at(0)), limit.take('a', at(0)), limit.take('a', at(0))]).toEqual([0, 0, 0])
    expect(limit.take('a', at(0))).toBe(1_000)
    expect(limit.take('a', at(400))).toBe(600)
    expect(limit.take('a', at(1_000))).toBe(0)
    expect(limit.take('a', at(1_000))).toBe(1_000)
    expect(limit.take('a', at(60_000))).toBe(0)
  })

  it('counts each key alone and forgets the longest unused', () => {
    const limit = new RateLimit({ burst: 1, everyMs: 1_000 })
    expect(limit.take('a', at(0))).toBe(0)
    expect(limit.take('b', at(0))).toBe(0)
    expect(limit.take('a', at(0))).toBe(1_000)
    for (let index = 0; index < 1_000; index++) limit.take(`k${index}`, at(0))
    expect(limit.take('k999', at(0))).toBe(1_000)
    expect(limit.take('a', at(0))).toBe(0)
  })
})
