import { type Command, Option } from 'commander'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { addPairCommand } from './pair-command.ts'
import { runCommand } from './session.ts'

interface RoleLine {
  readonly user: string
  readonly name: string
  readonly role: string
  readonly group: string | null
}

interface WaitingLine {
  readonly code: string
  readonly who: string
  readonly where: string
  readonly count: number
}

export function addUserCommands(program: Command, context: CliContext): void {
  addAdmissionCommands(program, context)
  const user = program
    .command('user')
    .description('people and their roles: list, grant, revoke, pair')
    .addHelpText(
      'after',
      `
People are known by the platform's own id, never by a display name that anybody can copy.

  creel user grant telegram:12345 owner              may do everything, is asked about strangers
  creel user grant telegram:12345 member --group home   may talk to the agent home`,
    )
  user
    .command('list')
    .description('who has which role')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nowner: everything. admin: one agent. member: may talk to it. denied: is ignored.',
    )
    .action(async (options: { json?: boolean }) => {
      const roles = (await runCommand(installOf(context), 'user-list')) as RoleLine[]
      print(context.output, options.json, roles, () =>
        roles.length === 0
          ? 'nobody yet: whoever opens the login link of "creel up" first becomes the owner'
          : table(
              ['user', 'name', 'role', 'agent'],
              roles.map((line) => [line.user, line.name, line.role, line.group ?? 'all']),
            ),
      )
    })
  addPairCommand(user, context)
  for (const verb of ['grant', 'revoke'] as const) {
    user
      .command(`${verb} <user>`)
      .description(verb === 'grant' ? 'give a role' : 'take a role away')
      .addArgument(
        program.createArgument('<role>', 'the role').choices(['owner', 'admin', 'member', 'denied']),
      )
      .addHelpText(
        'after',
        `
<user> is the platform's id with its channel; "creel user list" and "creel waiting" show ids.

  creel user ${verb} telegram:12345 member --group home`,
      )
      .addOption(new Option('--group <name>', 'for this agent alone'))
      .option('--json', 'print the result as JSON')
      .action(async (who: string, role: string, options: { group?: string; json?: boolean }) => {
        const { json, ...scope } = options
        const result = await runCommand(installOf(context), verb, { user: who, role, ...scope })
        const where = options.group === undefined ? '' : ` in ${options.group}`
        print(
          context.output,
          json,
          result,
          () => `${who} is ${verb === 'grant' ? '' : 'no longer '}${role}${where}`,
        )
      })
  }
}

function addAdmissionCommands(program: Command, context: CliContext): void {
  program
    .command('waiting')
    .description('who waits to be let in')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Their messages are kept. "creel allow <code>" lets them in, "creel deny <code>" refuses them; the owner can
answer in a chat, too.`,
    )
    .action(async (options: { json?: boolean }) => {
      const lines = (await runCommand(installOf(context), 'waiting')) as WaitingLine[]
      print(context.output, options.json, lines, () =>
        lines.length === 0
          ? 'nobody waits'
          : table(
              ['code', 'who', 'where', 'messages'],
              lines.map((line) => [line.code, line.who, line.where, line.count]),
            ),
      )
    })
  for (const verb of ['allow', 'deny'] as const) {
    const command = program
      .command(`${verb} <code>`)
      .description(
        verb === 'allow'
          ? 'let a chat or sender in; what waits is answered'
          : 'refuse a chat or sender for good',
      )
      .option('--json', 'print the result as JSON')
      .addHelpText(
        'after',
        `
<code> is from "creel waiting": c7 is a whole chat, s12 one sender.

  creel ${verb} c7`,
      )
      .action(async (code: string, options: { group?: string; json?: boolean }) => {
        const { json, ...scope } = options
        const result = (await runCommand(installOf(context), verb, { code, ...scope })) as { done: string }
        print(context.output, json, result, () => result.done)
      })
    if (verb === 'allow')
      command.option('--group <name>', 'the agent that answers them; else the default one')
  }
}
