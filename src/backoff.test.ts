import { describe, expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

const range = { baseMs: 100, maxMs: 1_000 }

describe('backoffMs', () => {
  test('doubles from the base up to the longest', () => {
    const waits = [0, 1, 2, 3, 4, 5, 60, 1e9].map((failures) => backoffMs(failures, range, () => 0.5))
    expect(waits).toEqual([0, 100, 200, 400, 800, 1_000, 1_000, 1_000])
  })

  test('spreads by a fifth either way', () => {
    expect(backoffMs(1, range, () => 0)).toBe(80)
    expect(backoffMs(1, range, () => 0.9999)).toBe(120)
  })
})
