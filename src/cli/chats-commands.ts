import type { Command } from 'commander'
import { Option } from 'commander'
import {
  ENGAGE_MODES,
  FULL_POLICIES,
  MAX_DEBOUNCE_MS,
  QUEUE_MODES,
  SENDER_POLICIES,
  SESSION_MODES,
} from '../domain/binding.ts'
import { CreelError } from '../domain/errors.ts'
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
    readonly whenFull: string
    readonly debounceMs: number
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
With --session group messages always wait: the answer would go to another chat.

--when-full, with chats.queue_bound messages of a conversation (50) waiting; the chat is told:
  keep       the next ones wait as well, up to limits.max_waiting (1000)
  summarise  they are given to the agent together, as one message with the others as background
  reject     they are refused, with a word in the chat; "creel turns retry" gives one nevertheless

--debounce 1500  waits so many milliseconds for the next message of the same person and thread (five times that at
                 most) and has all of them answered together; a file, a command or another person ends the wait`

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
    .description('let an agent answer a chat, or change how: all options anew')
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
    .addOption(
      new Option('--when-full <policy>', 'what a message does when many wait')
        .choices([...FULL_POLICIES])
        .default('keep'),
    )
    .option('--debounce <ms>', `wait for more of the same person, up to ${MAX_DEBOUNCE_MS} ms`, '0')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', BIND_HELP)
    .action(async (chat: string, group: string, options: { debounce: string; json?: boolean }) => {
      const { json, debounce, ...settings } = options
      const result = (await runCommand(installOf(context), 'bind', {
        chat,
        group,
        ...settings,
        debounceMs: toDebounce(debounce),
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

function toDebounce(text: string): number {
  const ms = Number(text)
  if (Number.isInteger(ms) && ms >= 0 && ms <= MAX_DEBOUNCE_MS) return ms
  throw new CreelError(
    'invalid',
    `--debounce: expected milliseconds from 0 to ${MAX_DEBOUNCE_MS}, got ${text}`,
  )
}

/** What is as it always is goes without saying. */
function meanwhile({ queue, whenFull, debounceMs }: ChatLine['bindings'][number]): string {
  return [
    queue,
    ...(whenFull === 'keep' ? [] : [whenFull]),
    ...(debounceMs === 0 ? [] : [`${debounceMs} ms`]),
  ].join(', ')
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
      meanwhile(b),
    ])
  })
  return table(
    ['chat', 'label', 'kind', 'title', 'agent', 'wakes on', 'session', 'strangers', 'meanwhile'],
    rows,
  )
}
