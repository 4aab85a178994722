import { describe, expect, it } from 'vitest'
import type { UnixMs } from '../../domain/ids.ts'
import { steadyClock } from './steady-clock.ts'
import { systemClock } from './system-clock.ts'

function world() {
  const at = { wall: 1_000_000, elapsed: 0 }
  const clock = steadyClock({ ...systemClock, now: () => at.wall as UnixMs }, () => at.elapsed)
  const pass = (ms: number) => {
    at.wall += ms
    at.elapsed += ms
  }
  return { at, clock, pass }
}

describe('the steady clock', () => {
  it("is the machine's, as long as that goes forward", () => {
    const { at, clock, pass } = world()
    pass(500)
    expect(clock.now()).toBe(1_000_500)
    at.wall += 3_600_000
    expect(clock.now()).toBe(4_600_500)
  })

  it("goes on when the machine's is set back, until that has caught up", () => {
    const { at, clock, pass } = world()
    pass(500)
    expect(clock.now()).toBe(1_000_500)
    at.wall -= 10_000
    expect(clock.now()).toBe(1_000_500)
    pass(4_000)
    expect(clock.now()).toBe(1_004_500)
    pass(6_000)
    expect(clock.now()).toBe(1_010_500)
    at.wall += 20_000
    expect(clock.now()).toBe(at.wall)
    expect(at.wall).toBe(1_020_500)
  })

  it('never goes back, whatever the machine does', () => {
    const { at, clock } = world()
    let last = clock.now()
    for (const step of [5, -900_000, 3, 3_600_000, -1, -3_600_000, 40, 0, 7]) {
      at.wall += step
      at.elapsed += 1
      expect(clock.now()).toBeGreaterThanOrEqual(last)
      last = clock.now()
    }
  })
})
