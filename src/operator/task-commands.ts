import { z } from 'zod'
import { CreelError } from '../domain/errors.ts'
import { isGroupName, type UnixMs } from '../domain/ids.ts'
import { type Task, taskTitle } from '../domain/task.ts'
import { changeState } from '../tasks/change-state.ts'
import { obstacleOf, runWord } from '../tasks/fire-tasks.ts'
import { LATE_MS } from '../tasks/plan-claim.ts'
import { runView, taskView, wholeTaskView } from '../tasks/task-view.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

const MAX_LISTED = 1_000
const MAX_RUNS = 500
const MAX_OVERDUE = 20
const SHOWN_RUNS = 5

const OneTask = z.object({ id: z.number() })

function found({ tasks }: OperatorPorts, args: unknown): Task {
  const { id } = OneTask.parse(args)
  const task = tasks.find(id)
  if (task) return task
  throw new CreelError('not_found', `there is no task ${id}`, { hint: './creel tasks list --all' })
}

function viewPorts({ directory, clock }: OperatorPorts) {
  return { directory, now: clock.now() }
}

export const taskList: OperatorCommand = {
  run(ports, args) {
    const { all, group } = z
      .object({ all: z.boolean().default(false), group: z.string().optional() })
      .parse(args)
    if (group !== undefined && !(isGroupName(group) && ports.groups.exists(group)))
      throw new CreelError('not_found', `there is no agent ${group}`, { hint: './creel groups list' })
    const of = group === undefined ? { open: !all } : { open: !all, group }
    return ports.tasks
      .list(of, MAX_LISTED)
      .map((task) => ({ group: task.group, ...taskView(task, viewPorts(ports)) }))
  },
}

export const taskShow: OperatorCommand = {
  run(ports, args) {
    const task = found(ports, args)
    return {
      group: task.group,
      ...wholeTaskView(task, ports.tasks.runs(task.id, SHOWN_RUNS), viewPorts(ports)),
    }
  },
}

export const taskHistory: OperatorCommand = {
  run(ports, args) {
    const task = found(ports, args)
    return ports.tasks.runs(task.id, MAX_RUNS).map((run) => runView(run, task))
  },
}

const ChangeArgs = OneTask.extend({ state: z.enum(['paused', 'active', 'cancelled']) })

export const taskChange: OperatorCommand = {
  run(ports, args) {
    const { state } = ChangeArgs.parse(args)
    const task = changeState(found(ports, args), state, ports)
    return { group: task.group, ...taskView(task, viewPorts(ports)) }
  },
}

/** A run now, besides those of the schedule. */
export const taskRun: OperatorCommand = {
  run(ports, args) {
    const task = found(ports, args)
    const obstacle = obstacleOf(task, ports)
    if (obstacle !== null) throw new CreelError('conflict', `${taskTitle(task)} cannot run: ${obstacle}`)
    const now = ports.clock.now()
    ports.tasks.begin(task.id, { dueAt: now, word: runWord(task, now, ports) }, now)
    ports.live.nudgeGroup(task.group)
    return { group: task.group, ...taskView(task, viewPorts(ports)) }
  },
}

/** Those that should have begun and have not. */
export function overdueTasks({ tasks, clock }: Pick<OperatorPorts, 'tasks' | 'clock'>): readonly Task[] {
  return tasks.overdue((clock.now() - LATE_MS) as UnixMs, MAX_OVERDUE)
}

/** For doctor: how many there are, and which should have begun and have not. */
export const taskHealth: OperatorCommand = {
  run(ports) {
    const { tasks } = ports
    const overdue = overdueTasks(ports)
    const failed = tasks.list({ open: false }, MAX_LISTED).filter(({ state }) => state === 'failed')
    const view = (task: Task) => ({ group: task.group, ...taskView(task, viewPorts(ports)) })
    return {
      open: tasks.list({ open: true }, MAX_LISTED).length,
      overdue: overdue.map(view),
      failed: failed.map(view),
    }
  },
}
