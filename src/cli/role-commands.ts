import { type Command, Option } from 'commander'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { runCommand } from './session.ts'

interface RoleLine {
  readonly user: string
  readonly name: string
  readonly role: string
  readonly group: string | null
}

export function addRoleCommands(program: Command, context: CliContext): void {
  const roles = program
    .command('roles')
    .description('who may do what: list, grant, revoke')
    .addHelpText(
      'after',
      `
owner: everything, for all agents. admin: decides for one agent. member: may talk to it. denied: is ignored.
What an agent does for somebody it does with the rights of that person.

  creel roles grant telegram:12345 owner
  creel roles grant telegram:12345 member --group home`,
    )
  roles
    .command('list')
    .description('who has which role')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nowner: everything. admin: one agent. member: may talk to it. denied: is ignored.',
    )
    .action(async (options: { json?: boolean }) => {
      const lines = (await runCommand(installOf(context), 'role-list')) as RoleLine[]
      print(context.output, options.json, lines, () =>
        lines.length === 0
          ? 'nobody yet: whoever opens the login link of "creel up" first becomes the owner'
          : table(
              ['user', 'name', 'role', 'agent'],
              lines.map((line) => [line.user, line.name, line.role, line.group ?? 'all']),
            ),
      )
    })
  for (const verb of ['grant', 'revoke'] as const) {
    roles
      .command(`${verb} <user>`)
      .description(verb === 'grant' ? 'give a role' : 'take a role away')
      .addArgument(
        program.createArgument('<role>', 'the role').choices(['owner', 'admin', 'member', 'denied']),
      )
      .addHelpText(
        'after',
        `
<user> is the platform's id with its channel; "creel users list" and "creel waiting" show ids.

  creel roles ${verb} telegram:12345 member --group home`,
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
