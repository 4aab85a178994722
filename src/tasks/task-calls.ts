import { ListTasksArgs, OneTaskArgs, ScheduleTaskArgs, UpdateTaskArgs } from '@creel/protocol'
import { type CallHandlers, callHandler } from '../calls/call-handler.ts'
import { AGENT_CHANNEL } from '../domain/agent-request.ts'
import { namedChat } from '../domain/destination.ts'
import { CreelError } from '../domain/errors.ts'
import type { CallOrigin } from '../domain/host-call.ts'
import type { GroupName, UnixMs, UserId } from '../domain/ids.ts'
import { leastOf, leastSpeaker } from '../domain/least-rights.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { People } from '../domain/ports/people.ts'
import type { DirectoryStore, RoleStore } from '../domain/ports/stores.ts'
import type { TaskStore } from '../domain/ports/tasks.ts'
import { MAX_TASKS, type Schedule, type Task, type TaskPlan, taskTitle } from '../domain/task.ts'
import { checkZone } from '../schedule/cron-time.ts'
import { checkPlan, nextRun, readTime } from '../schedule/task-schedule.ts'
import { changeState } from './change-state.ts'
import { mayChange, maySee, seesAll, type TaskPlace } from './task-rights.ts'
import { taskView, wholeTaskView } from './task-view.ts'

export interface TaskCallPorts {
  readonly tasks: TaskStore
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly roles: Pick<RoleStore, 'roles' | 'all'>
  readonly people: Pick<People, 'find'>
  readonly clock: Pick<Clock, 'now'>
  /** Zone of a task that names none: of whoever speaks, else of the agent. */
  readonly zoneOf: (speaker: UserId, group: GroupName) => string
}

const SCRIPT_S = 30
const MAX_LISTED = 200
const SHOWN_RUNS = 10

/** What agents ask about tasks, by the name of the tool. */
export function taskCalls(ports: TaskCallPorts): CallHandlers {
  const change = (state: 'paused' | 'active' | 'cancelled') =>
    callHandler(OneTaskArgs, ({ id }, origin) => {
      const task = changeable(id, origin, ports)
      return view(changeState(task, state, ports), ports)
    })
  return new Map([
    ['schedule_task', callHandler(ScheduleTaskArgs, (args, origin) => schedule(args, origin, ports))],
    ['list_tasks', callHandler(ListTasksArgs, (args, origin) => list(args, origin, ports))],
    ['update_task', callHandler(UpdateTaskArgs, (args, origin) => update(args, origin, ports))],
    ['pause_task', change('paused')],
    ['resume_task', change('active')],
    ['cancel_task', change('cancelled')],
  ])
}

function schedule(args: ScheduleTaskArgs, origin: CallOrigin, ports: TaskCallPorts): unknown {
  const { tasks, clock, zoneOf } = ports
  const { group, speaker, key } = origin
  const now = clock.now()
  const maker = makerOf(origin, ports)
  const place = placeOf(args.deliver_to, origin, ports)
  const zone = args.timezone ?? zoneOf(speaker, group)
  const when = scheduleOf(args, zone, now)
  if (when === null) throw oneTime()
  const plan: TaskPlan = {
    ...{ name: args.name, prompt: args.prompt, schedule: when, zone },
    misfire: args.if_missed ?? 'run_once',
    jitterS: args.jitter_seconds ?? 0,
    script: args.script?.trim() ? args.script : null,
    scriptS: args.script_timeout_seconds ?? SCRIPT_S,
  }
  checkPlan(plan, now)
  if (tasks.countOpen(group) >= MAX_TASKS)
    throw new CreelError('conflict', `There are ${MAX_TASKS} tasks already, which is the most.`, {
      hint: 'Cancel some that are not needed: list_tasks, cancel_task.',
    })
  const due = nextRun(plan, now)
  const made = tasks.add({
    ...{
      ...plan,
      ...place,
      key: `call:${key}`,
      ...maker,
      createdAt: now,
    },
    due,
  })
  return view(made, ports)
}

function list(
  { id, ended }: { id?: number | undefined; ended: boolean },
  origin: CallOrigin,
  ports: TaskCallPorts,
): unknown {
  const { tasks, roles } = ports
  const { group, chatId } = origin
  if (id !== undefined) {
    const task = visible(id, origin, ports)
    return wholeTaskView(task, tasks.runs(id, SHOWN_RUNS), { ...ports, now: ports.clock.now() })
  }
  const all = tasks
    .list({ group, open: !ended }, MAX_LISTED)
    .filter((task) => task.chatId === chatId || seesAll(origin, roles))
  if (all.length === 0) return 'There are no tasks.'
  return all.map((task) => {
    const [last] = tasks.runs(task.id, 1)
    return { ...view(task, ports), ...(last === undefined ? {} : { last_run: last.state }) }
  })
}

function update({ id, ...args }: UpdateTaskArgs, origin: CallOrigin, ports: TaskCallPorts): unknown {
  const { tasks, clock } = ports
  const task = changeable(id, origin, ports)
  if ((args.name ?? args.prompt ?? args.script) !== undefined) checkWords(task, origin, ports)
  const now = clock.now()
  const zone = args.timezone ?? task.zone
  const when = scheduleOf(args, zone, now)
  const plan: TaskPlan = {
    name: args.name ?? task.name,
    prompt: args.prompt ?? task.prompt,
    schedule: when ?? task.schedule,
    zone,
    misfire: args.if_missed ?? task.misfire,
    jitterS: args.jitter_seconds ?? task.jitterS,
    script: args.script === undefined ? task.script : args.script.trim() === '' ? null : args.script,
    scriptS: args.script_timeout_seconds ?? task.scriptS,
  }
  const sameTime = when === null && zone === task.zone && plan.jitterS === task.jitterS
  if (!sameTime) checkPlan(plan, now)
  const due = sameTime || task.state === 'paused' ? task.due : nextRun(plan, now)
  if (!tasks.change(id, plan, due)) throw over(task)
  return view(tasks.find(id) ?? task, ports)
}

/** What was said of the time; null when nothing was. */
function scheduleOf(
  args: Pick<ScheduleTaskArgs, 'at' | 'in_minutes' | 'cron' | 'every_minutes'>,
  zone: string,
  now: UnixMs,
): Schedule | null {
  checkZone(zone)
  const { at, in_minutes, cron, every_minutes } = args
  const given = [at, in_minutes, cron, every_minutes].filter((one) => one !== undefined)
  if (given.length === 0) return null
  if (given.length > 1) throw oneTime()
  if (at !== undefined) return { kind: 'once', at: readTime(at, zone) }
  if (in_minutes !== undefined) return { kind: 'once', at: Math.round(now + in_minutes * 60_000) as UnixMs }
  if (cron !== undefined) return { kind: 'cron', expression: cron.trim() }
  return { kind: 'every', ms: Math.round((every_minutes ?? 0) * 60_000), from: now }
}

function oneTime(): CreelError {
  return new CreelError('invalid', 'Give exactly one of at, in_minutes, cron and every_minutes.')
}

/** Where it is to run: only a chat that the agent may write to. */
function placeOf(
  to: string | undefined,
  { group, chatId, thread }: CallOrigin,
  { directory }: TaskCallPorts,
): TaskPlace {
  const isAgents = directory.chat(chatId)?.address.channel === AGENT_CHANNEL
  if (to === undefined && isAgents)
    throw new CreelError('invalid', 'Nobody reads along in this chat between agents.', {
      hint: 'Give deliver_to, a chat with people in it: list_destinations.',
    })
  if (to === undefined) return { group, chatId, thread }
  const named = namedChat(to)
  const chat = named === null ? null : directory.chat(named)
  const mine = chat !== null && directory.bindings(chat.id).some((binding) => binding.group === group)
  if (chat === null || !mine || chat.denied)
    throw new CreelError('not_found', `There is no destination "${to}".`, {
      hint: 'list_destinations names yours; without deliver_to it is this chat.',
    })
  return { group, chatId: chat.id, thread: undefined }
}

function visible(id: number, origin: CallOrigin, { tasks, roles }: TaskCallPorts): Task {
  const task = tasks.find(id)
  if (task && maySee(task, origin, roles)) return task
  throw new CreelError('not_found', `There is no task ${id} here.`, {
    hint: 'list_tasks shows those there are.',
  })
}

function changeable(id: number, origin: CallOrigin, ports: TaskCallPorts): Task {
  const task = visible(id, origin, ports)
  if (mayChange(task, origin, ports.roles)) return task
  throw new CreelError(
    'unauthorized',
    `${taskTitle(task)} is not changed: ${task.createdByName} wanted it.`,
    {
      hint: 'Only they, an owner or an admin may, in a turn of their own. Say so; do not try again.',
    },
  )
}

/** With whose rights it is to run. */
function makerOf(origin: CallOrigin, ports: TaskCallPorts): Pick<Task, 'createdBy' | 'createdByName'> {
  const least = leastSpeaker(origin, ports)
  if (least === null || ports.roles.roles(least.id, origin.group).includes('denied'))
    throw new CreelError(
      'unauthorized',
      'Not made: several people spoke in this turn, and whose rights a task would have cannot be decided, or one of them was denied.',
      { hint: 'Whoever wants it must ask for it again, in a turn of their own. Say so; do not try again.' },
    )
  return { createdBy: least.id, createdByName: least.name }
}

/** What a task says is done with the rights of who wanted it: nobody who has fewer may have a say in it. */
function checkWords(task: Task, { speakers }: CallOrigin, { roles }: TaskCallPorts): void {
  if (leastOf([task.createdBy, ...speakers], roles) === task.createdBy) return
  throw new CreelError(
    'unauthorized',
    `What ${taskTitle(task)} says is not changed: it runs with the rights of ${task.createdByName}, and not everybody who spoke in this turn has those.`,
    {
      hint: 'Its times can be changed. For other words make a new one, schedule_task, and end this one, cancel_task.',
    },
  )
}

function over(task: Task): CreelError {
  return new CreelError('conflict', `${taskTitle(task)} is over.`, { hint: 'Make a new one: schedule_task.' })
}

function view(task: Task, { directory, clock }: TaskCallPorts) {
  return taskView(task, { directory, now: clock.now() })
}
