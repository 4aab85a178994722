import { ListTasksArgs, OneTaskArgs, ScheduleTaskArgs, UpdateTaskArgs } from '@creel/protocol'
import { hostTool } from './host-tool.ts'
import type { Tool } from './tool.ts'

/** What an agent does about what it is to do later; the host keeps the tasks and decides who may change them. */
export const TASK_TOOLS: readonly Tool[] = [
  hostTool({
    name: 'schedule_task',
    description: [
      'Has you do something later, once or again and again: a reminder, a daily briefing, a look at something.',
      'When it is due you are woken with your own words, and what you answer is sent to the chat.',
      'Give exactly one of at, in_minutes, cron and every_minutes. Tell the person when it will be, from the result.',
    ].join(' '),
    args: ScheduleTaskArgs,
    example:
      '{"name": "Water the plants", "prompt": "Remind Ann to water the plants.", "cron": "0 9 * * 1-5"}',
    readOnly: false,
  }),
  hostTool({
    name: 'list_tasks',
    description:
      'Shows the tasks of this chat (for owners and admins: all of yours) with their numbers, when each is due next, and how the last run ended.',
    args: ListTasksArgs,
    example: '{}',
    readOnly: true,
  }),
  hostTool({
    name: 'update_task',
    description:
      'Changes a task: what is given replaces what it had. For another time give exactly one of at, in_minutes, cron and every_minutes.',
    args: UpdateTaskArgs,
    example: '{"id": 3, "cron": "30 8 * * 1-5"}',
    readOnly: false,
  }),
  hostTool({
    name: 'pause_task',
    description: 'Stops a task until resume_task. Times that go by meanwhile are not made up for.',
    args: OneTaskArgs,
    example: '{"id": 3}',
    readOnly: false,
  }),
  hostTool({
    name: 'resume_task',
    description: 'Lets a paused or failed task run again, from its next time on.',
    args: OneTaskArgs,
    example: '{"id": 3}',
    readOnly: false,
  }),
  hostTool({
    name: 'cancel_task',
    description: 'Ends a task for good. A run that has begun goes on.',
    args: OneTaskArgs,
    example: '{"id": 3}',
    readOnly: false,
  }),
]
