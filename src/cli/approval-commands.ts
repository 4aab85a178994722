import type { Command } from 'commander'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { runCommand } from './session.ts'

interface ApprovalLine {
  readonly id: number
  readonly code: string
  readonly kind: string
  readonly group: string
  readonly now: string
  readonly asked_by: string
  readonly asked_by_name: string
  readonly payload: unknown
  readonly shown: string
  readonly choices: readonly { readonly id: string; readonly label: string }[]
  readonly outcome: string | null
}

const HELP = `
Agents ask for what they may not do by themselves: a host to reach, packages, a tool server, a skill, a new agent, an
answer to a question. Owners and admins of the agent are asked in a private chat, owners alone for a new agent; what is
decided here counts the same.

  creel approvals list               what waits
  creel approvals allow 7 always     with one of its choices; the first one when none is named
                                     (a question wants one of its own)
  creel approvals deny 7             the agent is told that it is final`

export function addApprovalCommands(program: Command, context: CliContext): void {
  const approvals = program
    .command('approvals')
    .description('what agents ask people for, and what became of it')
    .addHelpText('after', HELP)
  approvals
    .command('list', { isDefault: true })
    .description('what waits for a decision')
    .addHelpText(
      'after',
      '\nWhat is open, with its number. An ask that nobody decides in time ends by itself.',
    )
    .option('--all', 'also what was decided, newest first')
    .option('--json', 'print the result as JSON')
    .action(async ({ all = false, json }: { all?: boolean; json?: boolean }) => {
      const lines = (await runCommand(installOf(context), 'approval-list', { all })) as ApprovalLine[]
      print(context.output, json, lines, () => listText(lines))
    })
  approvals
    .command('show <id>')
    .description('one of them, whole: what was shown is what is carried out')
    .addHelpText(
      'after',
      '\n  creel approvals show 7    the payload, who it was asked for, and what people were shown',
    )
    .option('--json', 'print the result as JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const line = (await runCommand(installOf(context), 'approval-show', {
        id: numberOf(id),
      })) as ApprovalLine
      print(context.output, json, line, () => showText(line))
    })
  const decide = async (id: string, choice: string, reject: boolean, json: boolean | undefined) => {
    const args = { id: numberOf(id), choice, reject }
    const line = (await runCommand(installOf(context), 'approval-decide', args)) as ApprovalLine
    print(context.output, json, line, () => `${line.id}: ${line.now}`)
  }
  approvals
    .command('allow <id> [choice]')
    .description('allow it, or answer a question with one of its choices')
    .addHelpText(
      'after',
      '\n  creel approvals allow 7 always    a request for a host: once or always; a question: its number',
    )
    .option('--json', 'print the result as JSON')
    .action((id: string, choice: string | undefined, { json }: { json?: boolean }) =>
      decide(id, choice ?? '', false, json),
    )
  approvals
    .command('deny <id>')
    .description('refuse it')
    .addHelpText(
      'after',
      '\n  creel approvals deny 7    final: the agent is told, and cannot ask the same again for a day',
    )
    .option('--json', 'print the result as JSON')
    .action((id: string, { json }: { json?: boolean }) => decide(id, '', true, json))
}

function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CreelError('invalid', `expected a number, got ${text}`, { hint: './creel approvals list' })
}

function listText(lines: readonly ApprovalLine[]): string {
  if (lines.length === 0) return 'nothing waits for a decision'
  const rows = lines.map((line) => [
    line.id,
    line.group,
    line.kind,
    JSON.stringify(line.payload).slice(0, 80),
    line.choices.map(({ id }) => id).join(', '),
    line.now,
  ])
  return table(['id', 'agent', 'kind', 'what', 'choices', 'state'], rows)
}

function showText(line: ApprovalLine): string {
  const { id, group, kind, asked_by, asked_by_name, payload, shown, choices, now, outcome } = line
  return [
    `approval ${id}: ${kind}, asked by the agent ${group} for ${asked_by_name} (${asked_by})`,
    `payload: ${JSON.stringify(payload)}`,
    `choices: ${choices.map((choice) => `${choice.id} (${choice.label})`).join(', ') || '-'}`,
    `state:   ${now}`,
    ...(outcome === null ? [] : [`outcome: ${outcome}`]),
    '',
    shown,
  ].join('\n')
}
