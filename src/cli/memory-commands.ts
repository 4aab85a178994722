import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { CreelError } from '../domain/errors.ts'
import type { MemoryFound, MemoryLine, MemoryPage, MemoryText } from '../domain/ports/memory.ts'
import { askAgent } from './chat-command.ts'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { runCommand } from './session.ts'

const HELP = `
An agent keeps what it wants to know later in groups/NAME/memory: index.md, which every conversation is given, files
beside it, and conversations/, where Creel writes down what was said. A line that begins with an [id] says who told it.

  creel memory list home
  creel memory search home dentist
  creel memory forget home 3f9ac1d2      a line, by its id, or a file
  creel memory edit home                 index.md in your editor
  creel memory distill home 03:30        have it noted each night what is worth keeping`

const INDEX = 'index.md'

export function addMemoryCommands(program: Command, context: CliContext): void {
  const memory = program
    .command('memory')
    .description('what an agent has noted: see, search, edit, forget')
    .addHelpText('after', HELP)
  const asked = (command: string, args: object) => runCommand(installOf(context), command, args)
  memory
    .command('list <group>')
    .description('its files')
    .addHelpText('after', '\n  creel memory list home    with size and last change')
    .option('--json', 'print the result as JSON')
    .action(async (group: string, { json }: { json?: boolean }) => {
      const result = (await asked('memory-list', { group })) as MemoryFound<MemoryPage>
      print(context.output, json, result, () => listText(result))
    })
  memory
    .command('show <group> [file]')
    .description('one of its files; index.md without a name')
    .addHelpText(
      'after',
      '\n  creel memory show home garden.md    as it is, its beginning when it is longer than 2 MB',
    )
    .option('--json', 'print the result as JSON')
    .action(async (group: string, file: string | undefined, { json }: { json?: boolean }) => {
      const page = await shown(asked, group, file ?? INDEX)
      print(context.output, json, page, () => `${page.text.trimEnd()}${page.more ? '\n(… more …)' : ''}`)
    })
  memory
    .command('search <group> <words...>')
    .description('lines that hold all the words, of files and conversations')
    .addHelpText('after', '\n  creel memory search home dentist may    in any order and case')
    .option('--json', 'print the result as JSON')
    .action(async (group: string, words: string[], { json }: { json?: boolean }) => {
      const result = (await asked('memory-search', { group, words })) as MemoryFound<MemoryLine>
      print(context.output, json, result, () => foundText(result))
    })
  memory
    .command('forget <group> <what>')
    .description('take out a line, by its id, or a file')
    .addHelpText('after', '\nDone inside the sandbox, in the terminal chat of the agent, so Creel must run.')
    .action((group: string, what: string) => askAgent(context, group, `/memory forget ${what}`))
  memory
    .command('edit <group> [file]')
    .description('change a file in your editor, or put another in its place; index.md without a name')
    .addHelpText(
      'after',
      '\nThe editor is that of VISUAL or EDITOR. Done inside the sandbox, in the terminal chat of the agent. What was\nchanged while you edited it is not overwritten.',
    )
    .option('--from <path>', 'a file of this machine, in place of an editor')
    .action(async (group: string, file: string | undefined, { from }: { from?: string }) => {
      const name = file ?? INDEX
      if (from !== undefined) return askAgent(context, group, `/memory write ${name}`, [from])
      const page = await shown(asked, group, name)
      if (page.more) throw new CreelError('invalid', `${name} is too long to edit`, { hint: 'see --from' })
      await edit(context, group, name, page)
    })
  addDistill(memory, context)
}

function addDistill(memory: Command, context: CliContext): void {
  memory
    .command('distill <group> [time]')
    .description('have the agent note each night what is worth keeping; off unless switched on')
    .addHelpText(
      'after',
      `
An ordinary task (creel tasks), made in the name of the owner; it costs a turn of the model. It is skipped when
nobody has said anything to the agent since, and says nothing in the chat unless --tell.

  creel memory distill home            how it is
  creel memory distill home 03:30
  creel memory distill home off`,
    )
    .option('--chat <chat>', 'where it runs; the web page or the terminal unless told otherwise')
    .option('--tell', 'say in that chat what was noted')
    .option('--json', 'print the result as JSON')
    .action(async (group: string, time: string | undefined, options: DistillOptions) => {
      const install = installOf(context)
      const { json, ...more } = options
      const at = time === 'on' ? '03:30' : time
      const args = { group, zone: install.env.timezone, ...more, ...(at === undefined ? {} : { at }) }
      const task = (await runCommand(install, 'memory-distill', args)) as DistillTask | null
      print(context.output, json, task, () =>
        task === null ? 'off' : `task ${task.id}: ${task.when}; next: ${task.next}; in chat ${task.chat}`,
      )
    })
}

interface DistillOptions {
  readonly chat?: string
  readonly tell?: boolean
  readonly json?: boolean
}

interface DistillTask {
  readonly id: number
  readonly when: string
  readonly next: string
  readonly chat: string
}

type Asked = (command: string, args: object) => Promise<unknown>

async function shown(asked: Asked, group: string, path: string): Promise<MemoryText> {
  return (await asked('memory-show', { group, path })) as MemoryText
}

async function edit(
  context: CliContext,
  group: string,
  name: string,
  { text, print }: MemoryText,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'creel-memory-'))
  try {
    const copy = join(folder, basename(name))
    writeFileSync(copy, text, { mode: 0o600 })
    await runEditor(context, copy)
    if (readFileSync(copy, 'utf8') === text) context.output.err('nothing changed')
    else await askAgent(context, group, `/memory write ${name} --was=${print}`, [copy])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What VISUAL says may hold arguments. */
function runEditor({ env }: CliContext, path: string): Promise<void> {
  const editor = env.VISUAL ?? env.EDITOR ?? 'vi'
  const [program = 'vi', ...args] = editor.split(' ').filter((part) => part !== '')
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, path], { stdio: 'inherit' })
    child.on('error', (error) =>
      reject(
        new CreelError('unavailable', `the editor ${program} does not start: ${error.message}`, {
          hint: 'set EDITOR, or use --from',
          cause: error,
        }),
      ),
    )
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new CreelError('invalid', 'the editor failed; nothing was changed')),
    )
  })
}

function listText({ found, more }: MemoryFound<MemoryPage>): string {
  if (found.length === 0) return 'nothing noted yet'
  const rows = found.map(({ path, bytes, changedAt }) => [path, bytes, new Date(changedAt).toISOString()])
  return `${table(['file', 'bytes', 'changed'], rows)}${more ? '\n(… more …)' : ''}`
}

function foundText({ found, more }: MemoryFound<MemoryLine>): string {
  if (found.length === 0) return `nothing found${more ? ' in what was looked at' : ''}`
  const rows = found.map(({ path, line, text }) => [`${path}:${line}`, text])
  return `${table(['where', 'line'], rows)}${more ? '\n(… more …)' : ''}`
}
