import type { Command } from 'commander'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { runCommand } from './session.ts'

interface GroupLine {
  readonly group: string
  readonly provider: string | null
  readonly state: string
  readonly problem: string | null
  readonly waiting: number
}

export function addGroupCommands(program: Command, context: CliContext): void {
  const group = program
    .command('group')
    .description('agents: add, list, show, remove')
    .addHelpText(
      'after',
      `
A group is one agent: the folder groups/<name> with container.json (provider, limits), AGENTS.md
(who it is), workspace/ and memory/ (its own files). Each runs in its own container.

  creel group add home                 an agent with the demo provider
  creel group show home                its settings and the chats it answers`,
    )
  group
    .command('add <name>')
    .description('make a new agent')
    .option('--provider <name>', 'what drives it', 'demo')
    .option('--model <name>', 'model, where the provider has several')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Names are a-z, 0-9 and -. It can be talked to at once: in the web chat and with "creel chat <name>".

  creel group add home
  creel group add work --provider demo`,
    )
    .action(async (name: string, options: { provider: string; model?: string; json?: boolean }) => {
      const { json, ...settings } = options
      const install = installOf(context)
      const result = await runCommand(install, 'group-add', { name, ...settings })
      print(context.output, json, result, () =>
        [
          `made the agent ${name} in ${install.paths.groupsDir}/${name}`,
          'talk to it in the web chat, with "creel chat", or bind a chat: creel bind --help',
        ].join('\n'),
      )
    })
  group
    .command('list')
    .description('all agents and how they are')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
asleep = no sandbox: a message starts one; paused = kept in memory: a message wakes it in an instant.`,
    )
    .action(async (options: { json?: boolean }) => {
      const result = (await runCommand(installOf(context), 'group-list')) as GroupLine[]
      print(context.output, options.json, result, () =>
        result.length === 0 ? 'no agents yet: creel group add main' : groupTable(result),
      )
    })
  group
    .command('show <name>')
    .description('settings of an agent and the chats it answers')
    .option('--json', 'print the result as one line')
    .addHelpText('after', '\nIts settings are changed in groups/<name>/container.json, while Creel runs.')
    .action(async (name: string, options: { json?: boolean }) => {
      const result = await runCommand(installOf(context), 'group-show', { name })
      print(context.output, options.json, result, () => JSON.stringify(result, null, 2))
    })
  group
    .command('remove <name>')
    .description('take an agent out of service; its folder is moved aside, nothing is deleted')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Its sandbox is stopped; its chats are unbound, its tasks cancelled, and what it was allowed is taken back. To bring it
back, move the folder into groups/ again; what its runtime knew of conversations lies in agents/.removed of the data
directory, and belongs into agents/. An agent that is made under its name begins with nothing of that;
its mailbox goes on, so take another name after one that you do not trust.`,
    )
    .action(async (name: string, options: { json?: boolean }) => {
      const result = (await runCommand(installOf(context), 'group-remove', { name })) as { movedTo: string }
      print(
        context.output,
        options.json,
        result,
        () => `removed ${name}; its folder is now ${result.movedTo}`,
      )
    })
}

/** Agents as a person reads them. */
export function groupTable(groups: readonly GroupLine[]): string {
  return table(
    ['agent', 'provider', 'state', 'waiting', 'problem'],
    groups.map((line) => [line.group, line.provider, line.state, line.waiting, line.problem]),
  )
}
