import { destinationName } from '../domain/destination.ts'
import type { UnixMs } from '../domain/ids.ts'
import type { DirectoryStore } from '../domain/ports/stores.ts'
import type { Task, TaskRun } from '../domain/task.ts'
import { localTime, nextText, scheduleText } from '../schedule/task-schedule.ts'
import { LATE_MS } from './plan-claim.ts'

/** A task as JSON for a model or a script: times on the clock of its zone. */
export function taskView(
  task: Task,
  { directory, now }: { directory: Pick<DirectoryStore, 'chat'>; now: UnixMs },
) {
  const { id, name, state, zone, misfire, jitterS, script, due, createdBy, createdByName } = task
  const chat = directory.chat(task.chatId)
  return {
    ...{ id, name, state, when: scheduleText(task), timezone: zone, next: nextText(task) },
    ...(isOverdue(task, now) ? { overdue: true } : {}),
    next_utc: state === 'active' && due !== null ? new Date(due.dueAt).toISOString() : null,
    chat: chat === null ? 'gone' : destinationName(chat),
    ...{ if_missed: misfire, made_by: createdByName, made_by_id: createdBy },
    ...(jitterS === 0 ? {} : { jitter_seconds: jitterS }),
    ...(script === null ? {} : { has_script: true }),
  }
}

/** The same with everything about it, and its newest runs. */
export function wholeTaskView(task: Task, runs: readonly TaskRun[], ports: Parameters<typeof taskView>[1]) {
  const { prompt, script, scriptS } = task
  return {
    ...taskView(task, ports),
    prompt,
    ...(script === null ? {} : { script, script_timeout_seconds: scriptS }),
    runs: runs.map((run) => runView(run, task)),
  }
}

export function runView({ dueAt, at, state, reason, endedAt }: TaskRun, { zone }: Pick<Task, 'zone'>) {
  return {
    due: localTime(dueAt, zone),
    begun: new Date(at).toISOString(),
    state,
    ...(reason === null ? {} : { reason }),
    ended: endedAt === null ? null : new Date(endedAt).toISOString(),
  }
}

/** It should have begun, and has not: the host is busy, or something is wrong. */
export function isOverdue({ state, due }: Task, now: UnixMs): boolean {
  return state === 'active' && due !== null && now - due.fireAt > LATE_MS
}
