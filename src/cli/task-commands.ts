import type { Command } from 'commander'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { runCommand } from './session.ts'

interface TaskLine {
  readonly id: number
  readonly group: string
  readonly name: string
  readonly state: string
  readonly when: string
  readonly next: string
  readonly chat: string
  readonly overdue?: boolean
  readonly made_by: string
  readonly prompt?: string
  readonly script?: string
  readonly runs?: readonly RunLine[]
}

interface RunLine {
  readonly due: string
  readonly begun: string
  readonly state: string
  readonly reason?: string
  readonly ended: string | null
}

const HELP = `
Tasks are what agents are to do at a time: people ask in a chat ("every weekday at nine …"), the agent makes them.

  creel tasks list             what will run, and when next
  creel tasks show 3           what it says, its script, its last runs
  creel tasks run 3            once, now, besides its times
  creel tasks pause 3          until creel tasks resume 3
  creel tasks cancel 3         for good`

export function addTaskCommands(program: Command, context: CliContext): void {
  const tasks = program
    .command('tasks')
    .description('what agents are to do at a time')
    .addHelpText('after', HELP)
  tasks
    .command('list', { isDefault: true })
    .description('tasks that will run, with their numbers')
    .addHelpText('after', '\n  creel tasks list --group family    of one agent')
    .option('--group <name>', 'of one agent')
    .option('--all', 'also what will not run again')
    .option('--json', 'print the result as JSON')
    .action(async ({ json, ...args }: { group?: string; all?: boolean; json?: boolean }) => {
      const lines = (await runCommand(installOf(context), 'task-list', args)) as TaskLine[]
      print(context.output, json, lines, () => listText(lines))
    })
  one(tasks, context, 'show', 'one of them, whole, with its last runs', 'task-show', (task) =>
    showText(task as TaskLine),
  )
  one(tasks, context, 'history', 'when it ran, and how that ended', 'task-history', (runs) =>
    runsText(runs as RunLine[]),
  )
  one(
    tasks,
    context,
    'run',
    'a run now, besides those of its times',
    'task-run',
    () => 'begun; its answer goes to its chat',
  )
  const changes = [
    ['pause', 'stop it until it is resumed', 'paused'],
    ['resume', 'let it run again, from its next time on', 'active'],
    ['cancel', 'end it for good', 'cancelled'],
  ] as const
  for (const [name, what, state] of changes)
    one(tasks, context, name, what, 'task-change', (task) => lineText(task as TaskLine), { state })
}

/** A command about one task, by its number. */
function one(
  tasks: Command,
  context: CliContext,
  name: string,
  what: string,
  command: string,
  text: (result: unknown) => string,
  more: object = {},
): void {
  tasks
    .command(`${name} <id>`)
    .description(what)
    .addHelpText('after', `\n  creel tasks ${name} 3    numbers: creel tasks list`)
    .option('--json', 'print the result as JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const result = await runCommand(installOf(context), command, { id: numberOf(id), ...more })
      print(context.output, json, result, () => text(result))
    })
}

function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CreelError('invalid', `expected a number, got ${text}`, { hint: './creel tasks list' })
}

function listText(lines: readonly TaskLine[]): string {
  if (lines.length === 0) return 'there are no tasks; people ask their agents for them in a chat'
  const rows = lines.map((line) => [
    ...[line.id, line.group, line.name, line.when],
    line.overdue === true ? `${line.next} (overdue)` : line.next,
    ...[line.chat, line.made_by],
  ])
  return table(['id', 'agent', 'task', 'when', 'next', 'chat', 'for'], rows)
}

function lineText({ id, name, next }: TaskLine): string {
  return `task ${id} (${name}): ${next}`
}

function showText(task: TaskLine): string {
  const { id, group, name, when, next, chat, made_by, prompt, script, runs = [] } = task
  return [
    `task ${id} of ${group}: ${name}`,
    `when:  ${when}`,
    `next:  ${next}`,
    `chat:  ${chat}, for ${made_by}`,
    ...['', prompt ?? ''],
    ...(script === undefined ? [] : ['', 'script, which decides whether the agent is woken:', script]),
    ...['', runsText(runs)],
  ].join('\n')
}

function runsText(runs: readonly RunLine[]): string {
  if (runs.length === 0) return 'it has not run yet'
  const rows = runs.map(({ due, begun, state, reason, ended }) => [
    due,
    begun,
    state,
    ended ?? '-',
    reason ?? '',
  ])
  return table(['due', 'begun', 'state', 'ended', 'why'], rows)
}
