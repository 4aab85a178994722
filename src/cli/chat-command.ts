import { randomUUID } from 'node:crypto'
import { basename, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { terminalText } from '../adapters/channels/terminal/terminal-text.ts'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { callHost, followLines, NoHostError, postLine } from '../adapters/control/client.ts'
import type { TerminalEvent } from '../adapters/control/wire.ts'
import { CreelError } from '../domain/errors.ts'
import { ChatStatus } from './chat-status.ts'
import { type CliContext, installOf } from './context.ts'
import { runCommand } from './session.ts'

const QUIET_MS = 600_000
/** After this long a person is told what goes on. */
const PATIENCE_MS = 2_000
const LOOK_MS = 100
/** The last line and the news that it is sent come on two connections. */
const LINGER_MS = 150
/** Lines of earlier talk that a conversation begins with. */
const RECALLED = 6

export function addChatCommand(program: Command, context: CliContext): void {
  program
    .command('chat [group]')
    .description('talk to an agent in this terminal')
    .option('-m, --message <text>', 'say one thing, print the answer, and end')
    .option('-f, --file <path...>', 'files to send with it')
    .addHelpText(
      'after',
      `
Without a group it is the first agent. End with Ctrl-D. The chat goes on where it was left. What you type while
an answer is on its way is kept.

  creel chat                       a conversation
  creel chat home -m 'hello'       one question, for scripts
  creel chat home -m 'what is this?' -f photo.jpg

In a conversation, /file PATH TEXT sends a file; a PATH with spaces needs quotes.`,
    )
    .action(async (named: string | undefined, options: { message?: string; file?: string[] }) => {
      const group = named ?? (await firstGroup(context))
      const talk = options.message === undefined && options.file === undefined
      if (talk) await whileRunning(converse(chatWith(context, group)))
      else await askAgent(context, group, options.message ?? '', options.file)
    })
}

/** Says one thing in the terminal chat of an agent and prints what comes back. Throws CreelError. */
export function askAgent(
  context: CliContext,
  group: string,
  text: string,
  files: readonly string[] = [],
): Promise<void> {
  return whileRunning(ask(chatWith(context, group), text, files))
}

function chatWith(context: CliContext, group: string): Chat {
  const { env, paths } = installOf(context)
  return { socket: paths.controlSocket, group, user: `terminal:${env.user}`, context }
}

async function whileRunning(talk: Promise<void>): Promise<void> {
  try {
    await talk
  } catch (error) {
    if (!(error instanceof NoHostError)) throw error
    throw new CreelError('unavailable', 'Creel is not running', { hint: './creel up', cause: error })
  }
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

/** Says one thing and prints what comes back until everything that was said in this chat is answered. */
async function ask(chat: Chat, text: string, files: readonly string[] = []): Promise<void> {
  const ended = new AbortController()
  const signal = AbortSignal.any([ended.signal, chat.context.signal, AbortSignal.timeout(QUIET_MS)])
  const seen: { asked: boolean; answered: boolean; done: boolean; failure?: unknown } = {
    asked: false,
    answered: false,
    done: false,
  }
  const onEvent = (event: TerminalEvent) => {
    if (event.type === 'ready') {
      seen.asked = true
      post(chat, text, files)
        .then(() => untilAnswered(chat, signal))
        .then(
          () => {
            seen.done = true
          },
          (error: unknown) => {
            seen.failure = error
          },
        )
        .finally(() => ended.abort())
    } else if (seen.asked && event.type === 'line' && event.author === 'agent') {
      seen.answered = true
      chat.context.output.out(terminalText(event.text))
    }
  }
  systemClock.sleep(PATIENCE_MS, signal).then(
    () => chat.context.output.err(`waiting for ${chat.group}; Ctrl-C ends the waiting, not the turn`),
    () => undefined,
  )
  try {
    await followLines(chat.socket, chat.group, 0, onEvent, signal)
  } finally {
    ended.abort()
  }
  const { failure } = seen
  if (failure instanceof CreelError || failure instanceof NoHostError) throw failure
  if (seen.answered) return
  if (seen.done) chat.context.output.err('(the agent had nothing to say)')
  else throw new CreelError('timeout', 'no answer yet; the message is kept', { hint: './creel status' })
}

/** A conversation until end of input. Input that is no keyboard is answered to its end. */
async function converse(chat: Chat): Promise<void> {
  const { output } = chat.context
  const ended = new AbortController()
  const signal = AbortSignal.any([ended.signal, chat.context.signal])
  const typed = process.stdin.isTTY === true
  const reader = createInterface({ input: process.stdin, output: process.stdout, prompt: `${chat.group}> ` })
  const status = new ChatStatus(reader, chat.group, () => systemClock.now())
  const prompt = () => typed && reader.prompt(true)
  const show = (line: string) => {
    if (typed) process.stdout.write('\r\u001b[K')
    output.out(line)
    prompt()
  }
  const posts: Promise<void>[] = []
  let history: string[] | null = []
  const onEvent = (event: TerminalEvent) => {
    if (event.type === 'ready') {
      if (typed) output.out(`Talking to ${chat.group}; /help says what else you can say, Ctrl-D ends.`)
      for (const line of typed ? (history ?? []).slice(-RECALLED) : []) output.out(line)
      history = null
      prompt()
    } else if (event.type === 'line') {
      const text = terminalText(event.text)
      if (history) history.push(event.author === 'user' ? `${chat.group}> ${text}` : text)
      else if (event.author === 'agent') show(text)
    } else if (typed && event.type === 'progress') status.progress(event)
    else if (typed) status.idle()
  }
  reader.on('line', (line) => {
    const text = line.trim()
    prompt()
    const { said, files } = withFile(text)
    if (text !== '')
      posts.push(post(chat, said, files).catch((error: Error) => show(`not sent: ${error.message}`)))
  })
  reader.on('close', () => {
    const done = typed ? Promise.resolve() : Promise.all(posts).then(() => untilAnswered(chat, signal))
    done.then(
      () => ended.abort(),
      (error: unknown) => ended.abort(error),
    )
  })
  signal.addEventListener('abort', () => reader.close())
  await followLines(chat.socket, chat.group, 0, onEvent, signal)
  if (typed) output.out('')
  if (!signal.aborted) output.err('the host has ended')
}

function post(chat: Chat, text: string, files: readonly string[] = []): Promise<void> {
  const paths = files.map((file) => resolve(file))
  const said = text === '' ? paths.map((path) => `[file ${basename(path)}]`).join(' ') : text
  return postLine(chat.socket, chat.group, { text: said, id: randomUUID(), user: chat.user, files: paths })
}

/** `/file PATH TEXT`. */
function withFile(text: string): { said: string; files: string[] } {
  const [, quoted, plain, rest = ''] = /^\/file\s+(?:"([^"]+)"|(\S+))(?:\s+([\s\S]*))?$/.exec(text) ?? []
  const path = quoted ?? plain
  return path === undefined ? { said: text, files: [] } : { said: rest, files: [path] }
}

/** Waits until no message of this chat waits for its answer and no line of it is on its way. */
async function untilAnswered(chat: Chat, signal: AbortSignal): Promise<void> {
  for (;;) {
    const state = await callHost(chat.socket, 'terminal-pending', { group: chat.group })
    if (!(state as { pending: boolean }).pending) break
    await systemClock.sleep(LOOK_MS, signal)
  }
  await systemClock.sleep(LINGER_MS, signal)
}
