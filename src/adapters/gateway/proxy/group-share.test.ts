import { describe, expect, it } from 'vitest'
import { GroupShare } from './group-share.ts'
import { Pace } from './pace.ts'
import { PROXY_LIMITS } from './proxy-limits.ts'

describe('what a group has under way', () => {
  it('is bounded, and what was given back twice counts once', () => {
    const share = new GroupShare({ ...PROXY_LIMITS, connections: 2, requests: 1 })
    const first = share.connection()
    expect(share.connection()).not.toBeNull()
    expect(share.connection()).toBeNull()
    first?.()
    first?.()
    expect(share.connection()).not.toBeNull()
    expect(share.connection()).toBeNull()
    expect(share.request()).not.toBeNull()
    expect(share.request()).toBeNull()
  })

  it('arrives at a rate that is fine, too fast, a flood, and fine again after a second', () => {
    let now = 0
    const share = new GroupShare({ ...PROXY_LIMITS, requestsPerSecond: 2 }, () => now)
    const arrivals = Array.from({ length: 7 }, () => share.arrival())
    expect(arrivals).toEqual(['fine', 'fine', 'too-fast', 'too-fast', 'too-fast', 'too-fast', 'flood'])
    now = 1_000
    expect(share.arrival()).toBe('fine')
  })
})

describe('a pace', () => {
  it("lets a second's worth pass at once and holds the rest back for as long as it takes", () => {
    let now = 5_000
    const pace = new Pace(100, () => now)
    expect(pace.take(100)).toBe(0)
    expect(pace.take(50)).toBe(500)
    expect(pace.take(50)).toBe(1_000)
    now += 1_500
    expect(pace.take(50)).toBe(0)
    now += 60_000
    expect(pace.take(100)).toBe(0)
    expect(pace.take(1)).toBe(10)
    expect(pace.take(1_000_000)).toBe(5_000)
  })
})
