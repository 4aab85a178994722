import { CreelError } from '../domain/errors.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { TaskStore } from '../domain/ports/tasks.ts'
import { type Task, taskTitle } from '../domain/task.ts'
import { nextRun } from '../schedule/task-schedule.ts'

/**
 * Pauses a task, lets it go on (from its next time: what went by is not made up for) or ends it. Doing it twice does it
 * once. Returns the task as it is then. Throws `conflict` when it is over.
 */
export function changeState(
  task: Task,
  state: 'paused' | 'active' | 'cancelled',
  { tasks, clock }: { tasks: Pick<TaskStore, 'setState' | 'find'>; clock: Pick<Clock, 'now'> },
): Task {
  if (task.state === state) return task
  const due = state === 'active' ? nextRun(task, clock.now()) : null
  if (state === 'active' && due === null)
    throw new CreelError('conflict', `The time of ${taskTitle(task)} is over.`, {
      hint: 'Give it another one, or make a new task.',
    })
  if (!tasks.setState(task.id, state, due))
    throw new CreelError('conflict', `${taskTitle(task)} is over (${task.state}).`)
  return tasks.find(task.id) ?? task
}
