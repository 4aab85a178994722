import { Cron } from 'croner'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'
import type { UnixMs } from '../domain/ids.ts'
import { checkCron, nextByCron } from './cron-time.ts'

const ZONES = [
  ...['Europe/Berlin', 'Europe/London', 'Europe/Dublin', 'Europe/Chisinau', 'Atlantic/Azores'],
  ...['America/New_York', 'America/Los_Angeles', 'America/St_Johns', 'America/Sao_Paulo', 'America/Santiago'],
  ...['America/Havana', 'America/Asuncion', 'Africa/Casablanca', 'Africa/Cairo', 'Asia/Jerusalem'],
  ...['Asia/Beirut', 'Asia/Tehran', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Chatham'],
]
const FROM = Date.UTC(2016, 0, 1)
const UNTIL = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A stretch of time that is looked at. */
type Span = readonly [from: number, to: number]

/** Each change of the zone's clock in ten years, with some time around it; 2020 for zones without any. */
function changes(zone: string, around: number): Span[] {
  const spans: Span[] = []
  let at = Temporal.Instant.fromEpochMilliseconds(FROM).toZonedDateTimeISO(zone).getTimeZoneTransition('next')
  while (at && at.epochMilliseconds < UNTIL) {
    spans.push([at.epochMilliseconds - around, at.epochMilliseconds + around])
    at = at.getTimeZoneTransition('next')
  }
  return spans.length > 0 ? spans : [[Date.UTC(2020, 0, 1), Date.UTC(2020, 0, 1) + 5 * around]]
}

/** All times in the spans by ours. */
function ours(expression: string, zone: string, spans: readonly Span[]): number[] {
  return spans.flatMap(([from, to]) => {
    const times: number[] = []
    let at = nextByCron({ expression, zone }, from as UnixMs)
    for (; at !== null && at < to; at = nextByCron({ expression, zone }, at)) times.push(at)
    return times
  })
}

/**
 * The same by croner, an implementation that shares nothing with the one we use. It counts a rule with several times a
 * day by the hours that pass, as we do only for every hour: so it is asked for each time of the day by itself.
 */
function theirs(expressions: readonly string[], zone: string, spans: readonly Span[]): number[] {
  const jobs = expressions.map((expression) => new Cron(expression, { timezone: zone, paused: true }))
  return spans.flatMap(([from, to]) => {
    const times = new Set<number>()
    for (const job of jobs) {
      let at = job.nextRun(new Date(from))
      for (; at !== null && at.getTime() < to; at = job.nextRun(at)) times.add(at.getTime())
    }
    return [...times].sort((a, b) => a - b)
  })
}

describe.each(ZONES)('the changes of ten years in %s', (zone) => {
  const days = changes(zone, 2 * DAY)

  it.each([
    ['30 2 * * *', ['30 2 * * *']],
    ['0 0 * * *', ['0 0 * * *']],
    ['15 0,1,2,3 * * 0,6', ['15 0 * * 0,6', '15 1 * * 0,6', '15 2 * * 0,6', '15 3 * * 0,6']],
    ['*/30 1 * * *', ['0 1 * * *', '30 1 * * *']],
    ['0 9 * * 1-5', ['0 9 * * 1-5']],
  ])('%s comes when an independent library says', (expression, single) => {
    const times = ours(expression, zone, days)
    expect(times.length).toBeGreaterThan(0)
    expect(times).toEqual(theirs(single, zone, days))
  })

  it('every half hour comes each half hour, whatever the clock does', () => {
    const hours = changes(zone, 4 * HOUR)
    const times = ours('*/30 * * * *', zone, hours)
    expect(times.length).toBeGreaterThanOrEqual(8)
    expect(times).toEqual(theirs(['*/30 * * * *'], zone, hours))
  })

  it('29 February comes in leap years', () => {
    const all: Span[] = [[FROM, UNTIL]]
    expect(ours('45 23 29 2 *', zone, all)).toEqual(theirs(['45 23 29 2 *'], zone, all))
  })
})

const next = (expression: string, zone: string, after: string): string | null => {
  const found = nextByCron({ expression, zone }, Date.parse(after) as UnixMs)
  return found === null ? null : new Date(found).toISOString().replace('.000', '')
}

describe('clocks put forward', () => {
  it('a time that is left out comes at once, and several of them once', () => {
    expect(next('*/20 2 * * *', 'Europe/Berlin', '2027-03-27T12:00:00Z')).toBe('2027-03-28T01:00:00Z')
    expect(next('*/20 2 * * *', 'Europe/Berlin', '2027-03-28T01:00:00Z')).toBe('2027-03-29T00:00:00Z')
  })
  it('a day without a midnight has its midnight task', () => {
    expect(next('0 0 * * *', 'America/Santiago', '2026-09-05T12:00:00Z')).toBe('2026-09-06T04:00:00Z')
  })
  it('by half an hour', () => {
    expect(next('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z')).toBe('2026-10-03T15:30:00Z')
  })
})

describe('clocks put back', () => {
  it('a time that comes twice counts once, the first time', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')).toBe('2026-10-25T00:30:00Z')
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z')).toBe('2026-10-26T01:30:00Z')
  })
  it('asked in the second of the two hours, it is over', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-25T01:10:00Z')).toBe('2026-10-26T01:30:00Z')
  })
  it('asked at the very moment', () => {
    expect(next('0 3 * * *', 'Europe/Berlin', '2026-10-25T01:00:00Z')).toBe('2026-10-25T02:00:00Z')
  })
})

it('reads six fields with seconds first', () => {
  expect(next('*/20 0 9 * * *', 'UTC', '2026-01-01T09:00:00Z')).toBe('2026-01-01T09:00:20Z')
})

it('is after the given time, also when that is one of its own', () => {
  const at = Date.UTC(2026, 0, 1, 9) as UnixMs
  expect((nextByCron({ expression: '0 9 * * *', zone: 'UTC' }, at) ?? 0) - at).toBe(DAY)
})

describe('is refused with what was expected', () => {
  it.each([
    ['', 'UTC', /five fields/],
    ['* * *', 'UTC', /five fields/],
    ['0 9 * * * * *', 'UTC', /five fields/],
    ['H 9 * * *', 'UTC', /five fields/],
    ['61 * * * *', 'UTC', /range 0-59/],
    ['a b c d e', 'UTC', /cron expression/],
    ['0 0 30 2 *', 'UTC', /expected/],
    ['@daily', 'UTC', /five fields/],
    ['0 9 * * *', 'Europe/Berlim', /time zone, got "Europe\/Berlim"/],
    ['0 9 * * *', '', /time zone/],
    ['0 9 * * *', '+25:00', /time zone/],
  ])('"%s" in "%s"', (expression, zone, message) => {
    expect(() => checkCron({ expression, zone })).toThrow(message)
  })
  it.each(['0 9 * * THU', '0 9 * * 5#2', '0 9 L * *'])('but "%s" is not', (expression) => {
    expect(() => checkCron({ expression, zone: 'Europe/Berlin' })).not.toThrow()
  })
})
