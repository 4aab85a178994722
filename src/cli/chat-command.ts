import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { terminalText } from '../adapters/channels/terminal/terminal-text.ts'
import { followLines, NoHostError, postLine } from '../adapters/control/client.ts'
import type { TerminalEvent } from '../adapters/control/wire.ts'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'
import { runCommand } from './session.ts'

const QUIET_MS = 600_000
/** The turn's end is told before its last lines have gone through the delivery table. */
const LINGER_MS = 200
/** Lines of earlier talk that a conversation begins with. */
const RECALLED = 6

export function addChatCommand(program: Command, context: CliContext): void {
  program
    .command('chat [group]')
    .description('talk to an agent in this terminal')
    .option('-m, --message <text>', 'say one thing, print the answer, and end')
    .addHelpText(
      'after',
      `
Without a group it is the first agent. End with Ctrl-D. The chat goes on where it was left.

  creel chat                       a conversation
  creel chat home -m 'hello'       one question, for scripts`,
    )
    .action(async (named: string | undefined, options: { message?: string }) => {
      const install = installOf(context)
      const group = named ?? (await firstGroup(context))
      const user = `terminal:${install.env.user}`
      const socket = install.paths.controlSocket
      const chat = { socket, group, user, context }
      try {
        if (options.message === undefined) await converse(chat)
        else await ask(chat, options.message)
      } catch (error) {
        if (!(error instanceof NoHostError)) throw error
        throw new CreelError('unavailable', 'Creel is not running', { hint: './creel up', cause: error })
      }
    })
}

interface Chat {
  readonly socket: string
  readonly group: string
  readonly user: string
  readonly context: CliContext
}

async function firstGroup(context: CliContext): Promise<string> {
  const groups = (await runCommand(installOf(context), 'group-list')) as { group: string }[]
  const first = groups[0]?.group
  if (first === undefined)
    throw new CreelError('not_found', 'no agents yet', { hint: './creel group add main' })
  return first
}

/** Says one thing and prints what comes back until the turn has ended and no more lines follow. */
async function ask(chat: Chat, text: string): Promise<void> {
  const ended = new AbortController()
  const signal = AbortSignal.any([ended.signal, chat.context.signal, AbortSignal.timeout(QUIET_MS)])
  const seen = { asked: false, answered: false, idle: false }
  let linger: NodeJS.Timeout | undefined
  const onEvent = (event: TerminalEvent) => {
    if (event.type === 'ready') {
      seen.asked = true
      const post = { text, id: randomUUID(), user: chat.user }
      postLine(chat.socket, chat.group, post).catch((error: unknown) => ended.abort(error))
    } else if (seen.asked && event.type === 'line' && event.author === 'agent') {
      seen.answered = true
      chat.context.output.out(terminalText(event.text))
    } else if (seen.asked && event.type === 'idle') seen.idle = true
    if (!seen.answered || !seen.idle) return
    clearTimeout(linger)
    linger = setTimeout(() => ended.abort(), LINGER_MS)
  }
  await followLines(chat.socket, chat.group, 0, onEvent, signal)
  const reason: unknown = ended.signal.reason
  if (reason instanceof CreelError || reason instanceof NoHostError) throw reason
  if (!seen.answered) throw new CreelError('timeout', 'no answer; the message is kept: ./creel status')
}

/** A conversation until end of input. */
async function converse(chat: Chat): Promise<void> {
  const { output } = chat.context
  const ended = new AbortController()
  const signal = AbortSignal.any([ended.signal, chat.context.signal])
  const reader = createInterface({ input: process.stdin, output: process.stdout, prompt: `${chat.group}> ` })
  const show = (line: string) => {
    process.stdout.write('\r\u001b[K')
    output.out(line)
    reader.prompt(true)
  }
  let history: string[] | null = []
  const onEvent = (event: TerminalEvent) => {
    if (event.type === 'ready') {
      for (const line of history?.slice(-RECALLED) ?? []) output.out(line)
      history = null
      reader.prompt()
    } else if (event.type === 'line') {
      const text = terminalText(event.text)
      if (history) history.push(event.author === 'user' ? `${chat.group}> ${text}` : text)
      else if (event.author === 'agent') show(text)
    }
  }
  reader.on('line', (line) => {
    const text = line.trim()
    if (text === '') return reader.prompt()
    const post = { text, id: randomUUID(), user: chat.user }
    postLine(chat.socket, chat.group, post).then(
      () => reader.prompt(),
      (error: Error) => show(`not sent: ${error.message}`),
    )
  })
  reader.on('close', () => ended.abort())
  signal.addEventListener('abort', () => reader.close())
  await followLines(chat.socket, chat.group, 0, onEvent, signal)
  if (!signal.aborted) output.err('the host has ended')
}
