import type { Notices } from '../delivery/notices.ts'
import type { HostWord } from '../domain/host-word.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { SessionChoices } from '../domain/ports/session-choices.ts'
import type { DirectoryStore, RoleStore } from '../domain/ports/stores.ts'
import type { Claim, TaskStore } from '../domain/ports/tasks.ts'
import { type Task, taskTitle } from '../domain/task.ts'
import type { Events } from '../events.ts'
import type { StepResult } from '../pump.ts'
import { sessionIn } from '../routing/router.ts'
import { sessionInEpoch } from '../routing/session-name.ts'
import { localTime, scheduleText } from '../schedule/task-schedule.ts'
import { type PlannedClaim, planClaim } from './plan-claim.ts'

export interface FirePorts {
  readonly tasks: TaskStore
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly roles: Pick<RoleStore, 'roles'>
  readonly choices: Pick<SessionChoices, 'of'>
  readonly notices: Pick<Notices, 'toOwner'>
  readonly events: Pick<Events, 'taskDue' | 'taskFailed'>
  readonly clock: Pick<Clock, 'now'>
  /** A message waits for this agent. */
  readonly nudge: (group: GroupName) => void
}

/** Tasks that are claimed in one commit. */
const BATCH = 50

/**
 * Step of the tasks pump: what is due becomes messages to its agent. Claim, messages and the next time are one
 * transaction, so a kill anywhere neither loses a run nor doubles it.
 */
export function fireTasks(group: GroupName, ports: FirePorts): StepResult {
  const { tasks, clock } = ports
  const now = clock.now()
  const due = tasks.due(group, now, BATCH)
  if (due.length === 0) return 'idle'
  const claims = due.map((task) => claimOf(task, now, ports))
  const begun = tasks.claim(claims, now)
  for (const claim of claims) report(claim, ports)
  if (begun > 0) ports.nudge(group)
  return due.length === BATCH ? 'again' : 'idle'
}

function claimOf(task: Task, now: UnixMs, ports: FirePorts): Claim {
  const obstacle = obstacleOf(task, ports)
  if (obstacle !== null) {
    const skipped = task.due === null ? [] : [{ dueAt: task.due.dueAt, reason: obstacle }]
    return { task, begun: [], skipped, next: null, state: 'failed', reason: obstacle }
  }
  const plan = planClaim(task, now, ports.tasks.isAtWork(task.id))
  const needless = task.afterTalk === true && plan.begun.length > 0 && !ports.tasks.hasHeard(task)
  const { begun, skipped, next } = needless ? withoutRuns(plan) : plan
  return {
    task,
    begun: begun.map((dueAt) => ({ dueAt, word: runWord(task, dueAt, ports) })),
    skipped,
    next,
    ...(next === null
      ? { state: 'done', reason: skipped[0]?.reason ?? null }
      : { state: 'active', reason: null }),
  }
}

function withoutRuns({ begun, skipped, next }: PlannedClaim): PlannedClaim {
  const reason = 'nobody has said anything to the agent since it last ran'
  return { begun: [], skipped: [...skipped, ...begun.map((dueAt) => ({ dueAt, reason }))], next }
}

/** Why the task cannot run at all; null when it can. Looked up each time: chats and rights come and go. */
export function obstacleOf(
  task: Task,
  { directory, roles }: Pick<FirePorts, 'directory' | 'roles'>,
): string | null {
  const { group, chatId, createdBy, createdByName } = task
  const chat = directory.chat(chatId)
  if (chat === null || !directory.bindings(chatId).some((binding) => binding.group === group))
    return 'its chat is not bound to the agent any more'
  if (chat.denied) return 'its chat was denied'
  if (roles.roles(createdBy, group).includes('denied')) return `${createdByName}, who wanted it, was denied`
  return null
}

/** What the agent is told, in the conversation of the task's chat and in the name of who wanted it. */
export function runWord(
  task: Task,
  dueAt: UnixMs,
  { directory, choices }: Pick<FirePorts, 'directory' | 'choices'>,
): HostWord {
  const { id, group, chatId, thread, createdBy, createdByName, prompt } = task
  const binding = directory.bindings(chatId).find((one) => one.group === group)
  const session = binding === undefined ? `chat:${chatId}` : sessionIn(binding, chatId, thread)
  const name = sessionInEpoch(session, choices.of(group, session).epoch)
  const head = `${taskTitle(task)} is due: ${scheduleText(task)}, this time for ${localTime(dueAt, task.zone)}. ${createdByName} is not necessarily here now; what you answer is sent to this chat, and NO_REPLY alone is not.`
  const text = `${head[0]?.toUpperCase()}${head.slice(1)}\n\n${prompt}`
  const key = `task:${id}:${dueAt}`
  return { chatId, thread, key, senderId: createdBy, senderName: createdByName, text, group, session: name }
}

function report({ task, begun, skipped, state, reason }: Claim, { events, notices }: FirePorts): void {
  events.taskDue(task.group, task.id, begun.length, skipped[0]?.reason ?? null)
  if (state !== 'failed') return
  events.taskFailed(task.group, task.id, reason ?? '')
  const text = `${taskTitle(task)} of **${task.group}** does not run any more: ${reason}. \`./creel tasks show ${task.id}\``
  notices.toOwner(text, `task:${task.id}:failed`)
}
