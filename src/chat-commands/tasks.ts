import { MAX_TASKS, type Task } from '../domain/task.ts'
import { nextText, scheduleText } from '../schedule/task-schedule.ts'
import { seesAll } from '../tasks/task-rights.ts'
import { isOverdue } from '../tasks/task-view.ts'
import type { ChatCommandPorts, CommandCall } from './command.ts'

/** `/tasks`: what the agent is to do in this chat; for owners and admins in private, in all of its chats. */
export function tasksText(
  { group, message, roles }: CommandCall,
  { tasks, clock }: ChatCommandPorts,
): string {
  const asker = { group, speakers: [message.senderId] }
  const all = message.chatKind === 'private' && seesAll(asker, { roles: () => roles })
  const shown = tasks
    .list({ group, open: true }, MAX_TASKS)
    .filter((task) => all || task.chatId === message.chatId)
  if (shown.length === 0)
    return 'There are no tasks. Ask for one in your own words: "every weekday at nine …".'
  const lines = shown.map((task) => line(task, isOverdue(task, clock.now())))
  return [...lines, '', 'To change one, say so: "cancel task 3".'].join('\n')
}

/** Names are the agent's and people's: nothing in them may become a link or a heading. */
function line(task: Task, overdue: boolean): string {
  const name = task.name.replace(/[`\n]/g, "'")
  return `- ${task.id}: \`${name}\`, ${scheduleText(task)}; next: ${nextText(task)}${overdue ? ' (overdue)' : ''}`
}
