import type { UnixMs } from '../domain/ids.ts'
import type { Due, Task } from '../domain/task.ts'
import { nextDue, nextRun } from '../schedule/task-schedule.ts'

/** A task that begins later than this has missed its time: no host ran. */
export const LATE_MS = 60_000
/** Missed times of one task that `all` makes up for, the oldest first. */
export const MAX_MADE_UP = 24

export interface PlannedClaim {
  readonly begun: readonly UnixMs[]
  readonly skipped: readonly { readonly dueAt: UnixMs; readonly reason: string }[]
  readonly next: Due | null
}

/**
 * Which of its times a task that should have begun begins now, by its misfire policy. `isAtWork`: a run of it has not
 * ended; it is not begun once more beside it, so that what cannot keep up does not pile up. Pure.
 */
export function planClaim(task: Task, now: UnixMs, isAtWork: boolean): PlannedClaim {
  const { due } = task
  if (due === null) return { begun: [], skipped: [], next: null }
  const { dueAt, fireAt } = due
  const isLate = now - fireAt > LATE_MS
  if (isLate && task.misfire === 'all') return madeUp(task, dueAt, now)
  const next = nextRun(task, isLate ? now : dueAt)
  if (isLate && task.misfire === 'skip')
    return { begun: [], skipped: [{ dueAt, reason: 'missed: Creel was not running at that time' }], next }
  if (isAtWork) return { begun: [], skipped: [{ dueAt, reason: 'the run before it has not ended' }], next }
  return { begun: [dueAt], skipped: [], next }
}

function madeUp(task: Task, first: UnixMs, now: UnixMs): PlannedClaim {
  const begun: UnixMs[] = []
  let dueAt: UnixMs | null = first
  while (dueAt !== null && dueAt <= now && begun.length < MAX_MADE_UP) {
    begun.push(dueAt)
    dueAt = nextDue(task, dueAt)
  }
  const left = dueAt !== null && dueAt <= now ? dueAt : null
  const reason = `missed: only ${MAX_MADE_UP} missed times are made up for`
  const skipped = left === null ? [] : [{ dueAt: left, reason }]
  return { begun, skipped, next: nextRun(task, now) }
}
