import { type Command, Option } from 'commander'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'
import { toMs, toNumber, when } from './option-values.ts'
import { oneLine, print, table } from './output.ts'
import { runCommand } from './session.ts'

interface DeliveryLine {
  readonly id: number
  readonly chat: string
  readonly group: string | null
  readonly state: string
  readonly ambiguous: boolean
  readonly attempts: number
  readonly reason: string | null
  readonly createdAt: number
}

interface TurnLine {
  readonly id: number
  /** Null: no agent was given it. */
  readonly group: string | null
  readonly chat: string
  readonly sender: string
  readonly state: string
  readonly attempts: number
  readonly retries: number
  readonly reason: string | null
  readonly receivedAt: number
}

interface WhichOptions {
  readonly chat?: string
  readonly state?: string
  readonly older?: string
  readonly all?: boolean
  readonly json?: boolean
}

const DELIVERY_STATES = ['queued', 'sending', 'unknown_after_send', 'accepted', 'confirmed', 'failed']

/** `creel deliveries` and `creel turns`: what is on its way, what was given up, and another chance for it. */
export function addRelayCommands(program: Command, context: CliContext): void {
  addDeliveries(program, context)
  addTurns(program, context)
}

function addDeliveries(program: Command, context: CliContext): void {
  const deliveries = program
    .command('deliveries')
    .description('messages on their way to chats: list, retry, drop')
    .addHelpText(
      'after',
      `
queued: waits its turn. sending: the platform is being called. unknown_after_send: a try may have arrived, it is
sent again and may stand there twice. accepted: the platform took it. confirmed: it is where people read it
(web and terminal). failed: will not be sent, with the reason.`,
    )
  which(deliveries.command('list'), 'deliveries, newest first')
    .addOption(new Option('--state <state>', 'of this state').choices(DELIVERY_STATES))
    .option('-n, --limit <count>', 'how many at most', '50')
    .addHelpText('after', '\n  creel deliveries list --state failed --older 1h')
    .action(async (options: WhichOptions & { limit: string }) => {
      const args = { ...toArgs([], options), limit: toNumber('--limit', options.limit) }
      const lines = (await runCommand(installOf(context), 'delivery-list', args)) as DeliveryLine[]
      print(context.output, options.json, lines, () => deliveryTable(lines))
    })
  which(deliveries.command('retry [id...]'), 'send again what failed')
    .option('--all', 'everything that failed')
    .addHelpText('after', '\n  creel deliveries retry 17 18\n  creel deliveries retry --chat telegram:123')
    .action(async (ids: string[], options: WhichOptions) => {
      const args = toArgs(ids, options, { mustName: true })
      const result = (await runCommand(installOf(context), 'delivery-retry', args)) as { retried: number }
      print(context.output, options.json, result, () => `${result.retried} message(s) go out again`)
    })
  which(deliveries.command('drop [id...]'), 'give up what has not been sent yet')
    .option('--all', 'everything that waits')
    .addHelpText(
      'after',
      '\nOne that is being sent right now is left alone.\n\n  creel deliveries drop --older 1d',
    )
    .action(async (ids: string[], options: WhichOptions) => {
      const args = toArgs(ids, options, { mustName: true })
      const result = (await runCommand(installOf(context), 'delivery-drop', args)) as { dropped: number }
      print(context.output, options.json, result, () => `${result.dropped} message(s) dropped`)
    })
}

function which(command: Command, description: string): Command {
  return command
    .description(description)
    .option('--chat <chat>', 'of this chat: its number or label from "creel chats"')
    .option('--older <age>', 'made at least so long ago: 90s, 15m, 2h, 3d')
    .option('--json', 'print the result as JSON')
}

function toArgs(ids: readonly string[], options: WhichOptions, rule: { mustName?: boolean } = {}) {
  const { chat, state, older, all } = options
  if (rule.mustName && !all && ids.length === 0 && chat === undefined && older === undefined) {
    throw new CreelError('invalid', 'expected numbers, --chat, --older or --all, got nothing', {
      hint: 'creel deliveries list shows the numbers',
    })
  }
  return {
    ...(ids.length === 0 ? {} : { ids: ids.map((id) => toNumber('id', id)) }),
    ...(chat === undefined ? {} : { chat }),
    ...(state === undefined ? {} : { state }),
    ...(older === undefined ? {} : { olderMs: toMs('--older', older) }),
  }
}

function deliveryTable(lines: readonly DeliveryLine[]): string {
  if (lines.length === 0) return 'none'
  return table(
    ['id', 'chat', 'agent', 'state', 'tries', 'made', 'reason'],
    lines.map((line) => [
      line.id,
      line.chat,
      line.group,
      line.ambiguous && line.state !== 'unknown_after_send' ? `${line.state} (maybe twice)` : line.state,
      line.attempts,
      when(line.createdAt),
      oneLine(line.reason ?? '').slice(0, 80),
    ]),
  )
}

function addTurns(program: Command, context: CliContext): void {
  const turns = program
    .command('turns')
    .description('what agents were given and what became of it: list, show, retry')
    .addHelpText(
      'after',
      `
A message that came too fast, too late or when too many waited is cancelled, with the reason. One that is for no agent
(a stranger's, a word to the host, what a /stop ended while it waited) is dropped, with the reason.
A message whose turn dies again and again is set aside after limits.max_attempts tries, and its chat is told;
"creel turns retry" gives it another chance.`,
    )
  turns
    .command('list')
    .description('messages given to agents, or dropped before, newest first')
    .option('--group <name>', 'of this agent')
    .addOption(
      new Option('--state <state>', 'of this state').choices([
        'open',
        'done',
        'failed',
        'cancelled',
        'dropped',
      ]),
    )
    .option('-n, --limit <count>', 'how many at most', '50')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\n  creel turns list --state failed')
    .action(async (options: { group?: string; state?: string; limit: string; json?: boolean }) => {
      const { json, limit, ...filter } = options
      const args = { ...filter, limit: toNumber('--limit', limit) }
      const lines = (await runCommand(installOf(context), 'turn-list', args)) as TurnLine[]
      print(context.output, json, lines, () => turnTable(lines))
    })
  turns
    .command('show <id>')
    .description('one message: what was said, how often it was tried, what was answered')
    .option('--group <name>', 'when it went to several agents')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\n  creel turns show 12')
    .action(async (id: string, { json, ...scope }: { group?: string; json?: boolean }) => {
      const args = { id: toNumber('id', id), ...scope }
      const turn = (await runCommand(installOf(context), 'turn-show', args)) as TurnLine & {
        text: string
        deliveries: DeliveryLine[]
      }
      print(context.output, json, turn, () => turnText(turn))
    })
  turns
    .command('retry <id>')
    .description('give a failed or cancelled message to its agent once more')
    .option('--group <name>', 'when it went to several agents')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\n  creel turns retry 12')
    .action(async (id: string, { json, ...scope }: { group?: string; json?: boolean }) => {
      const args = { id: toNumber('id', id), ...scope }
      const result = (await runCommand(installOf(context), 'turn-retry', args)) as { group: string }
      print(context.output, json, result, () => `message ${id} goes to ${result.group} again`)
    })
}

function turnTable(lines: readonly TurnLine[]): string {
  if (lines.length === 0) return 'none'
  return table(
    ['id', 'agent', 'chat', 'sender', 'state', 'tries', 'received', 'reason'],
    lines.map((line) => [
      ...[line.id, line.group, line.chat, line.sender, line.state, line.attempts],
      ...[when(line.receivedAt), oneLine(line.reason ?? '').slice(0, 80)],
    ]),
  )
}

function turnText(turn: TurnLine & { text: string; deliveries: readonly DeliveryLine[] }): string {
  const retried = turn.retries > 0 ? `, given again ${turn.retries} time(s)` : ''
  return [
    `message ${turn.id} from ${oneLine(turn.sender)} in ${oneLine(turn.chat)}, ${when(turn.receivedAt)}`,
    `agent ${turn.group}: ${turn.state}, ${turn.attempts} attempt(s)${retried}`,
    ...(turn.reason === null ? [] : [`reason: ${oneLine(turn.reason)}`]),
    '',
    turn.text.length > 2_000 ? `${turn.text.slice(0, 2_000)} …` : turn.text,
    '',
    turn.deliveries.length === 0 ? 'nothing was sent' : deliveryTable(turn.deliveries),
  ].join('\n')
}
