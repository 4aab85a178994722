// Reads and makes calendar files.
//   node ics.ts list FILE [--from DAY] [--days N] [--zone ZONE]
//   node ics.ts make OUT.ics --title TEXT --start "DAY HH:MM" [--zone ZONE] [--minutes N] [--place TEXT] [--alarm MINUTES]
//   node ics.ts make OUT.ics --title TEXT --start DAY [--days N]
import { randomUUID } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import ICAL from 'ical.js'
import { Temporal } from 'temporal-polyfill'

interface Shown {
  readonly from: Temporal.ZonedDateTime
  readonly to: Temporal.ZonedDateTime
  readonly wholeDay: boolean
  readonly title: string
  readonly place: string
  readonly cancelled: boolean
}

/** A zone as the system knows it. */
class SystemZone extends ICAL.Timezone {
  constructor(name: string) {
    super({ tzid: name, component: new ICAL.Component('vtimezone') })
  }

  override utcOffset({ year, month, day, hour, minute, second }: ICAL.Time): number {
    const plain = new Temporal.PlainDateTime(year, month, day, hour, minute, second)
    return plain.toZonedDateTime(this.tzid).offsetNanoseconds / 1e9
  }
}

const MAX_BYTES = 16 * 1024 * 1024
const MAX_SHOWN = 500
/** Of one series, from its first: eleven years of every hour. */
const MAX_STEPS = 100_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ from: { type: 'string' }, days: { type: 'string' }, zone: { type: 'string', default: 'UTC' } },
    ...{ title: { type: 'string' }, start: { type: 'string' }, minutes: { type: 'string' } },
    ...{ place: { type: 'string' }, alarm: { type: 'string' } },
  },
})
const [verb, file] = positionals
if (file === undefined || (verb !== 'list' && verb !== 'make'))
  fail(
    'usage: ics.ts list FILE [--from DAY] [--days N] [--zone ZONE] | make OUT.ics --title TEXT --start WHEN',
  )
const zone = zoneOf(values.zone)
if (verb === 'list') list(file)
else make(file)

function list(path: string): void {
  if (statSync(path).size > MAX_BYTES) fail(`${path}: expected at most ${MAX_BYTES} bytes`)
  const days = numberOf('--days', values.days ?? '7', 1, 3_660)
  const first = values.from === undefined ? Temporal.Now.plainDateISO(zone) : dayOf(values.from)
  const [low, high] = [first.toZonedDateTime(zone), first.add({ days }).toZonedDateTime(zone)]
  const found = calendarOf(path)
    .getAllSubcomponents('vevent')
    .map((one) => new ICAL.Event(one))
  const changed = found.filter((event) => event.isRecurrenceException())
  const shown = found
    .filter((event) => !event.isRecurrenceException() && event.startDate !== null)
    .flatMap((event) => occurrences(event, changed, low, high))
    .sort((a, b) => Temporal.ZonedDateTime.compare(a.from, b.from))
  for (const one of shown.slice(0, MAX_SHOWN)) console.log(line(one))
  if (shown.length === 0) console.log(`nothing from ${first} for ${days} days`)
  if (shown.length > MAX_SHOWN) console.log(`and ${shown.length - MAX_SHOWN} more: ask for fewer days`)
}

function calendarOf(path: string): ICAL.Component {
  const text = readFileSync(path, 'utf8')
  // Many files name a zone without its table.
  for (const [, name = ''] of text.matchAll(/;TZID="?([^":;\r\n]+)/g))
    if (isZone(name) && !ICAL.TimezoneService.has(name))
      ICAL.TimezoneService.register(new SystemZone(name), name)
  try {
    return new ICAL.Component(ICAL.parse(text))
  } catch (error) {
    return fail(`${path} is not a calendar file: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Of a series, those in the time asked for; moved and cancelled ones as they are now. */
function occurrences(
  event: ICAL.Event,
  changed: readonly ICAL.Event[],
  low: Temporal.ZonedDateTime,
  high: Temporal.ZonedDateTime,
): Shown[] {
  for (const one of changed) if (one.uid === event.uid) event.relateException(one)
  const within = ({ from, to }: Shown) =>
    Temporal.ZonedDateTime.compare(from, high) < 0 &&
    (Temporal.ZonedDateTime.compare(to, low) > 0 || Temporal.ZonedDateTime.compare(from, low) >= 0)
  if (!event.isRecurring()) return [shownOf(event, event.startDate, event.endDate)].filter(within)
  const made: Shown[] = []
  const series = event.iterator()
  for (let step = 0; step < MAX_STEPS; step++) {
    const next = series.next() as ICAL.Time | undefined
    if (!next) break
    // A moved one can lie far from its place in the series.
    if (Temporal.ZonedDateTime.compare(momentOf(next), high.add({ days: 31 })) > 0) break
    const { item, startDate, endDate } = event.getOccurrenceDetails(next)
    const one = shownOf(item, startDate, endDate)
    if (within(one)) made.push(one)
  }
  return made
}

function shownOf(event: ICAL.Event, start: ICAL.Time, end: ICAL.Time): Shown {
  const cancelled = String(event.component.getFirstPropertyValue('status')).toUpperCase() === 'CANCELLED'
  return {
    ...{ from: momentOf(start), to: momentOf(end), wholeDay: start.isDate, cancelled },
    ...{ title: words(event.summary) || '(no title)', place: words(event.location) },
  }
}

/** A zone that its name tells is taken from the system, which knows more than most files; hours without one are ours. */
function momentOf(time: ICAL.Time): Temporal.ZonedDateTime {
  const { year, month, day, hour, minute, second } = time
  const plain = new Temporal.PlainDateTime(year, month, day, hour, minute, second)
  const id = time.zone?.tzid ?? 'floating'
  if (time.isDate || id === 'floating') return plain.toZonedDateTime(zone)
  if (id === 'UTC' || id === 'Z') return plain.toZonedDateTime('UTC').withTimeZone(zone)
  if (isZone(id)) return plain.toZonedDateTime(id).withTimeZone(zone)
  return Temporal.Instant.fromEpochMilliseconds(time.toUnixTime() * 1_000).toZonedDateTimeISO(zone)
}

function line({ from, to, wholeDay, title, place, cancelled }: Shown): string {
  const last = to.subtract({ seconds: 1 })
  const sameDay = Temporal.PlainDate.compare(last.toPlainDate(), from.toPlainDate()) <= 0
  const allDay = sameDay ? 'whole day' : `until ${dayWords(last)}`
  const span = sameDay ? clock(to) : ` ${dayWords(to)} ${clock(to)}`
  const when = wholeDay ? allDay : `${clock(from)}-${span}`
  return `${dayWords(from)} ${when}  ${title}${place === '' ? '' : ` @ ${place}`}${cancelled ? ' CANCELLED' : ''}`
}

function make(path: string): void {
  const { title, start } = values
  if (title === undefined || start === undefined) fail('make: expected --title and --start')
  const [begin, end] = span(start.trim())
  const event = new ICAL.Event()
  event.uid = `${randomUUID()}@creel`
  event.summary = title
  if (values.place !== undefined) event.location = values.place
  event.startDate = begin
  event.endDate = end
  event.component.addPropertyWithValue('dtstamp', ICAL.Time.fromJSDate(new Date(), true))
  if (values.alarm !== undefined) {
    const alarm = new ICAL.Component('valarm')
    alarm.addPropertyWithValue('action', 'DISPLAY')
    alarm.addPropertyWithValue('description', title)
    const minutes = numberOf('--alarm', values.alarm, 0, 100_000)
    alarm.addPropertyWithValue('trigger', ICAL.Duration.fromSeconds(-60 * minutes))
    event.component.addSubcomponent(alarm)
  }
  const calendar = new ICAL.Component('vcalendar')
  calendar.addPropertyWithValue('prodid', '-//Creel//calendar skill//EN')
  calendar.addPropertyWithValue('version', '2.0')
  calendar.addSubcomponent(event.component)
  writeFileSync(path, `${calendar.toString()}\r\n`)
  console.log(line(shownOf(event, begin, end)))
}

/** Hours are written in UTC: that means the same everywhere, and needs no table of zones in the file. */
function span(start: string): [ICAL.Time, ICAL.Time] {
  if (!/[ T]/.test(start)) {
    const day = dayOf(start)
    const days = numberOf('--days', values.days ?? '1', 1, 3_660)
    return [day, day.add({ days })].map((one) => ICAL.Time.fromDateString(one.toString())) as [
      ICAL.Time,
      ICAL.Time,
    ]
  }
  let from: Temporal.ZonedDateTime
  try {
    from = Temporal.PlainDateTime.from(start.replace(' ', 'T')).toZonedDateTime(zone)
  } catch {
    return fail(`--start: expected such as "2026-11-24 14:30", got ${start}`)
  }
  const minutes = numberOf('--minutes', values.minutes ?? '60', 0, 100_000)
  return [from, from.add({ minutes })].map((one) =>
    ICAL.Time.fromJSDate(new Date(one.epochMilliseconds), true),
  ) as [ICAL.Time, ICAL.Time]
}

function dayWords(moment: Temporal.ZonedDateTime): string {
  const names = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
  return `${names[moment.dayOfWeek - 1]} ${moment.toPlainDate()}`
}

function clock(moment: Temporal.ZonedDateTime): string {
  return moment.toPlainTime().toString({ smallestUnit: 'minute' })
}

/** One line, with nothing that a terminal or a chat would obey. */
function words(text: string | null): string {
  return (text ?? '').replace(/[\p{C}\s]+/gu, ' ').trim()
}

function isZone(name: string): boolean {
  try {
    Temporal.Now.zonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}

function zoneOf(name: string): string {
  return isZone(name) ? name : fail(`--zone: expected an IANA zone such as Europe/Zurich, got ${name}`)
}

function dayOf(text: string): Temporal.PlainDate {
  try {
    return Temporal.PlainDate.from(text)
  } catch {
    return fail(`expected a day such as 2026-11-24, got ${text}`)
  }
}

function numberOf(what: string, text: string, low: number, high: number): number {
  const found = Number(text)
  return Number.isInteger(found) && found >= low && found <= high
    ? found
    : fail(`${what}: expected ${low} to ${high}, got ${text}`)
}

function fail(problem: string): never {
  console.error(`ics: ${problem}`)
  process.exit(1)
}
