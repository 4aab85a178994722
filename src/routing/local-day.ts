import type { UnixMs } from '../domain/ids.ts'

const HOUR_MS = 3_600_000

/** When the day of `now` began in a time zone (an IANA name; UTC when it is unknown). */
export function startOfDay(now: UnixMs, timezone: string): UnixMs {
  const day = dayFormat(timezone)
  const today = day.format(now)
  // The last quarter of an hour of the day before: zones differ, and change, by whole quarters.
  let start = now - (now % (HOUR_MS / 4))
  while (day.format(start - 1) === today) start -= HOUR_MS / 4
  return start as UnixMs
}

function dayFormat(timezone: string): Intl.DateTimeFormat {
  const fields = { year: 'numeric', month: '2-digit', day: '2-digit' } as const
  try {
    return new Intl.DateTimeFormat('en-CA', { ...fields, timeZone: timezone })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return new Intl.DateTimeFormat('en-CA', { ...fields, timeZone: 'UTC' })
  }
}
