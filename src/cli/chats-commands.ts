import type { Command } from 'commander'
import { Option } from 'commander'
import { ENGAGE_MODES, QUEUE_MODES, SENDER_POLICIES, SESSION_MODES } from '../domain/binding.ts'
import { type CliContext, installOf } from './context.ts'
import { oneLine, print, table } from './output.ts'
import { runCommand } from './session.ts'

interface ChatLine {
  readonly chat: number
  readonly label: string
  readonly kind: string
  readonly title: string
  readonly denied: boolean
  readonly bindings: readonly {
    readonly group: string
    readonly engage: string
    readonly pattern?: string
    readonly session: string
    readonly senders: string
    readonly queue: string
    readonly exists: boolean
  }[]
}

const BIND_HELP = `
<chat> is its number or its label from "creel chats", such as telegram:-100123.

  creel bind telegram:-100123 home                      answers when it is mentioned
  creel bind 7 home --engage always --senders open      answers everything, whoever writes
  creel bind 7 home --engage pattern --pattern '^bot\\b'  RE2 syntax, without regard to case
  creel bind 7 home --engage sticky --session thread    after a mention the thread stays open

--queue steer      goes into the answer being written; waits where the runtime takes nothing in
        follow_up  waits, and has an answer of its own
        collect    waits, and shares one answer with all that wait
        interrupt  ends the answer being written, and is next
With --session group messages always wait: the answer would go to another chat.`

export function addChatsCommands(program: Command, context: CliContext): void {
  program
    .command('chats')
    .description('chats that Creel has seen, and which agent answers them')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
A chat is known from its first message on: write to the bot, or add it to the chat, then look here.
"creel bind --help" tells how to have an agent answer one.`,
    )
    .action(async (options: { json?: boolean }) => {
      const chats = (await runCommand(installOf(context), 'chat-list')) as ChatLine[]
      print(context.output, options.json, chats, () => chatTable(chats))
    })
  program
    .command('bind <chat> <group>')
    .description('let an agent answer a chat, or change how')
    .addOption(new Option('--engage <mode>', 'what wakes it').choices([...ENGAGE_MODES]).default('mention'))
    .option('--pattern <regex>', 'with --engage pattern: what a message must contain')
    .addOption(
      new Option('--session <mode>', 'one conversation per chat, per thread, or for all chats of the agent')
        .choices([...SESSION_MODES])
        .default('shared'),
    )
    .addOption(
      new Option('--senders <policy>', 'people without a role: ignored, asked about, or let in')
        .choices([...SENDER_POLICIES])
        .default('ask'),
    )
    .addOption(
      new Option(
        '--queue <mode>',
        'what a message does while the agent works on one of the same conversation (steer in private chats, follow_up in groups)',
      ).choices([...QUEUE_MODES]),
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', BIND_HELP)
    .action(async (chat: string, group: string, options: { json?: boolean }) => {
      const { json, ...settings } = options
      const result = (await runCommand(installOf(context), 'bind', {
        chat,
        group,
        ...settings,
      })) as ChatLine & {
        released: number
      }
      print(context.output, json, result, () => {
        const waiting = result.released > 0 ? `; ${result.released} waiting message(s) go to it now` : ''
        return `${result.label} is answered by ${group}${waiting}`
      })
    })
  program
    .command('unbind <chat> [group]')
    .description('stop an agent (or all) from answering a chat')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
  creel unbind telegram:-100123 home    this agent alone
  creel unbind 7                        every agent of chat 7`,
    )
    .action(async (chat: string, group: string | undefined, options: { json?: boolean }) => {
      const args = group === undefined ? { chat } : { chat, group }
      const result = (await runCommand(installOf(context), 'unbind', args)) as { label: string }
      print(context.output, options.json, result, () => `${result.label}: unbound`)
    })
}

function chatTable(chats: readonly ChatLine[]): string {
  if (chats.length === 0) return 'no chats yet: a chat is known from its first message on'
  const rows = chats.flatMap((chat): (string | number | null)[][] => {
    const start = [chat.chat, chat.label, chat.kind, oneLine(chat.title).slice(0, 30)]
    if (chat.bindings.length === 0)
      return [[...start, chat.denied ? '(refused)' : null, null, null, null, null]]
    return chat.bindings.map((b) => [
      ...start,
      b.exists ? b.group : `${b.group} (gone)`,
      b.pattern === undefined ? b.engage : `${b.engage} ${b.pattern}`,
      b.session,
      b.senders,
      b.queue,
    ])
  })
  return table(
    ['chat', 'label', 'kind', 'title', 'agent', 'wakes on', 'session', 'strangers', 'meanwhile'],
    rows,
  )
}
