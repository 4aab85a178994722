import { CronExpressionParser } from 'cron-parser'
import { Temporal } from 'temporal-polyfill'
import { CreelError, errorText } from '../domain/errors.ts'
import type { UnixMs } from '../domain/ids.ts'

/** Changes of a zone's clock that are looked past for a time that is seldom, such as 29 February. */
const MAX_STRETCHES = 200
const NANOS = 1e6
const HINT = 'such as "0 9 * * 1-5" (weekdays at nine) or "*/15 * * * *" (every quarter of an hour)'

/** A calendar rule: cron's five fields, or six with seconds first, read on the clock of a time zone. */
export interface CronRule {
  readonly expression: string
  /** IANA name. */
  readonly zone: string
}

/** Throws `invalid` for an expression that no time fits, one that cannot be read, and an unknown zone. */
export function checkCron({ expression, zone }: CronRule): void {
  checkZone(zone)
  const fields = expression.trim().split(/\s+/)
  // H stands for a value of the library's own choosing.
  if ((fields.length !== 5 && fields.length !== 6) || /H/i.test(expression.replaceAll(/THU/gi, '')))
    throw badCron(expression, 'five fields, or six with seconds first')
  try {
    CronExpressionParser.parse(expression)
  } catch (error) {
    throw badCron(expression, `a cron expression (${errorText(error)})`)
  }
  if (nextOnWall(expression, Date.UTC(2024, 0, 1)) === null) throw badCron(expression, 'a time that comes')
}

/** Throws `invalid` for a name that is no IANA time zone. */
export function checkZone(zone: string): void {
  zoneNamed(zone)
}

/** The IANA name of a zone, in its usual letters. Throws `invalid` with names that are near. */
export function zoneNamed(text: string): string {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text).timeZoneId
  } catch (error) {
    throw new CreelError('invalid', `expected a time zone, got "${text}"`, {
      hint: `an IANA name such as ${zonesLike(text).join(', ')}`,
      cause: error,
    })
  }
}

/** People name their city. */
function zonesLike(text: string): string[] {
  const wanted = text.trim().toLowerCase().replaceAll(' ', '_')
  const alike = Intl.supportedValuesOf('timeZone').filter((name) => name.toLowerCase().includes(wanted))
  return wanted === '' || alike.length === 0 ? ['Europe/Berlin'] : alike.slice(0, 5)
}

/**
 * The first time after `after` that the rule names; null when there is none within a lifetime. Where clocks are put
 * forward, a time that is left out comes when they are (several of them at once are one). Where they are put back, a
 * time that comes twice counts the first time; but a rule for every hour goes on through both, by the hours that pass.
 */
export function nextByCron({ expression, zone }: CronRule, after: UnixMs): UnixMs | null {
  const everyHour = CronExpressionParser.parse(expression).fields.hour.values.length === 24
  let stretch = stretchAt(zone, after)
  let wall = after + stretch.offset
  for (let count = 0; count < MAX_STRETCHES; count++) {
    const { offset, end, repeatedUntil } = stretch
    const from = everyHour ? wall : Math.max(wall, repeatedUntil - 1)
    const found = nextOnWall(expression, from)
    if (found === null) return null
    if (end === null || found - offset < end) return (found - offset) as UnixMs
    stretch = stretchAt(zone, end)
    // Between the old and the new time of the clock: left out on this day.
    if (!everyHour && found < end + stretch.offset) return end as UnixMs
    wall = end + stretch.offset - 1
  }
  return null
}

/** A time in which the clock of a zone runs on undisturbed. */
interface Stretch {
  /** Of the clock before UTC, in milliseconds. */
  readonly offset: number
  /** When it is next changed; null when never. */
  readonly end: number | null
  /** Until when the clock shows what it has shown before, as it shows it; in the past where it was not put back. */
  readonly repeatedUntil: number
}

function stretchAt(zone: string, at: number): Stretch {
  const now = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
  // "Previous" is before, and a change at this very moment counts.
  const began = now.add({ nanoseconds: 1 }).getTimeZoneTransition('previous')
  const before = began?.subtract({ nanoseconds: 1 }).offsetNanoseconds ?? Number.NEGATIVE_INFINITY
  return {
    offset: now.offsetNanoseconds / NANOS,
    end: now.getTimeZoneTransition('next')?.epochMilliseconds ?? null,
    repeatedUntil: (began?.epochMilliseconds ?? 0) + before / NANOS,
  }
}

/** The next time that a clock shows, both written as if it were UTC; null when there is none. */
function nextOnWall(expression: string, wall: number): number | null {
  const dates = CronExpressionParser.parse(expression, { tz: 'UTC', currentDate: new Date(wall) })
  return dates.hasNext() ? dates.next().getTime() : null
}

function badCron(expression: string, expected: string): CreelError {
  return new CreelError('invalid', `expected ${expected}, got "${expression}"`, { hint: HINT })
}
