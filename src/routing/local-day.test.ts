import { expect, test } from 'vitest'
import type { UnixMs } from '../domain/ids.ts'
import { startOfDay } from './local-day.ts'

const at = (iso: string) => Date.parse(iso) as UnixMs

test.each([
  ['2026-11-21T10:33:07.123Z', 'UTC', '2026-11-21T00:00:00Z'],
  ['2026-11-21T00:00:00.000Z', 'UTC', '2026-11-21T00:00:00Z'],
  ['2026-11-20T23:59:59.999Z', 'Europe/Berlin', '2026-11-20T23:00:00Z'],
  ['2026-11-21T10:00:00.000Z', 'Asia/Kathmandu', '2026-11-20T18:15:00Z'],
  // The clocks went back and forth that day.
  ['2026-10-25T22:30:00.000Z', 'Europe/Berlin', '2026-10-24T22:00:00Z'],
  ['2026-03-29T21:30:00.000Z', 'Europe/Berlin', '2026-03-28T23:00:00Z'],
  ['2026-11-21T10:33:07.123Z', 'Nowhere/At_All', '2026-11-21T00:00:00Z'],
])('the day of %s in %s began at %s', (now, zone, start) => {
  expect(startOfDay(at(now), zone)).toBe(at(start))
})
