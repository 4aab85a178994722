import { Temporal } from 'temporal-polyfill'
import { CreelError } from '../domain/errors.ts'
import type { UnixMs } from '../domain/ids.ts'
import { type Due, MIN_INTERVAL_MS, type Task, type TaskPlan } from '../domain/task.ts'
import { checkCron, checkZone, nextByCron } from './cron-time.ts'

/** Runs that are looked at to find the shortest time between two. */
const GAPS = 50
/** Further ahead than this nothing is planned. */
const MAX_AHEAD_MS = 20 * 366 * 86_400_000

/** Throws `invalid`, with a hint, for what can never run, or too often. */
export function checkPlan({ schedule, zone }: Pick<TaskPlan, 'schedule' | 'zone'>, now: UnixMs): void {
  checkZone(zone)
  if (schedule.kind === 'once') {
    if (schedule.at <= now)
      throw new CreelError('invalid', `${localTime(schedule.at, zone)} (${zone}) is over.`, {
        hint: `It is ${localTime(now, zone)} there now. Give a time to come.`,
      })
    if (schedule.at > now + MAX_AHEAD_MS) throw new CreelError('invalid', 'That is more than 20 years ahead.')
    return
  }
  if (schedule.kind === 'every') {
    if (schedule.ms < MIN_INTERVAL_MS || schedule.ms > MAX_AHEAD_MS) throw tooOften()
    return
  }
  checkCron({ expression: schedule.expression, zone })
  let before = nextByCron({ expression: schedule.expression, zone }, now)
  for (let n = 0; n < GAPS && before !== null; n++) {
    const next = nextByCron({ expression: schedule.expression, zone }, before)
    if (next !== null && next - before < MIN_INTERVAL_MS) throw tooOften()
    before = next
  }
}

function tooOften(): CreelError {
  return new CreelError('invalid', `A task may run once every ${MIN_INTERVAL_MS / 1000} seconds at most.`, {
    hint: 'Choose a longer interval; let its script look at what is cheap to look at.',
  })
}

/** The first time after `after` that the schedule names; null when there is none. Pure. */
export function nextDue(
  { schedule, zone }: Pick<TaskPlan, 'schedule' | 'zone'>,
  after: UnixMs,
): UnixMs | null {
  switch (schedule.kind) {
    case 'once':
      return schedule.at > after ? schedule.at : null
    case 'every': {
      const passed = Math.max(0, Math.floor((after - schedule.from) / schedule.ms))
      return (schedule.from + (passed + 1) * schedule.ms) as UnixMs
    }
    case 'cron':
      return nextByCron({ expression: schedule.expression, zone }, after)
  }
}

/** The same with its jitter, which is the same for the same time of the same task. */
export function nextRun(plan: Pick<TaskPlan, 'schedule' | 'zone' | 'jitterS'>, after: UnixMs): Due | null {
  const dueAt = nextDue(plan, after)
  return dueAt === null ? null : { dueAt, fireAt: (dueAt + jitterMs(plan.jitterS, dueAt)) as UnixMs }
}

function jitterMs(jitterS: number, dueAt: number): number {
  if (jitterS === 0) return 0
  // Spreads neighbouring times; nothing depends on it being hard to guess.
  const mixed = Math.imul(Math.floor(dueAt / 1000) ^ (jitterS * 0x9e3779b1), 0x85ebca6b) >>> 0
  return mixed % (jitterS * 1000 + 1)
}

/** `2026-03-29 09:00`, with seconds where there are any, on the clock of the zone. */
export function localTime(at: number, zone: string): string {
  const time = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDateTime()
  return time.toString({ smallestUnit: time.second === 0 ? 'minute' : 'second' }).replace('T', ' ')
}

/** A time as an agent writes it: with an offset or Z, or as the clock of the zone shows it. Throws `invalid`. */
export function readTime(text: string, zone: string): UnixMs {
  checkZone(zone)
  const given = text.trim().replace(' ', 'T')
  try {
    if (/(?:Z|[+-]\d\d:?\d\d)$/i.test(given)) return Temporal.Instant.from(given).epochMilliseconds as UnixMs
    return Temporal.PlainDateTime.from(given).toZonedDateTime(zone).epochMilliseconds as UnixMs
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CreelError('invalid', `"${text.slice(0, 100)}" is no time.`, {
      hint: "Write it as 2026-03-29T09:00 (on the clock of the task's time zone), or with an offset.",
      cause: error,
    })
  }
}

/** When it runs, in words. */
export function scheduleText({ schedule, zone }: Pick<TaskPlan, 'schedule' | 'zone'>): string {
  switch (schedule.kind) {
    case 'once':
      return `once, ${localTime(schedule.at, zone)} (${zone})`
    case 'every':
      return `every ${spanText(schedule.ms)}`
    case 'cron':
      return `cron "${schedule.expression}" (${zone})`
  }
}

function spanText(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const
  let left = ms
  const parts = units.flatMap(([size, unit]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count === 0 ? [] : [`${count} ${unit}`]
  })
  return parts.join(' ') || '0 s'
}

/** When it begins next, in words. */
export function nextText({
  state,
  due,
  zone,
  reason,
}: Pick<Task, 'state' | 'due' | 'zone' | 'reason'>): string {
  if (state !== 'active') return reason === null ? state : `${state}: ${reason}`
  return due === null ? 'never again' : `${localTime(due.dueAt, zone)} (${zone})`
}
