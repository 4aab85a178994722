import type { Command } from 'commander'
import type { Forgotten, Person } from '../domain/ports/people.ts'
import { type CliContext, installOf } from './context.ts'
import { oneLine, print, table } from './output.ts'
import { addPairCommand } from './pair-command.ts'
import { runCommand } from './session.ts'

interface WaitingLine {
  readonly code: string
  readonly who: string
  readonly where: string
  readonly count: number
}

export function addUserCommands(program: Command, context: CliContext): void {
  addAdmissionCommands(program, context)
  const users = program
    .command('users')
    .alias('user')
    .description('people: list, show, zone, forget, pair')
    .addHelpText(
      'after',
      `
People are known by the platform's own id, never by a display name that anybody can copy. What they may do is
"creel roles".

  creel users list
  creel users show telegram:12345`,
    )
  users
    .command('list')
    .description('who has written or has a role, whoever wrote last first')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nNames are what the platforms show: they decide nothing.')
    .action(async (options: { json?: boolean }) => {
      const people = (await runCommand(installOf(context), 'user-list')) as Person[]
      print(context.output, options.json, people, () =>
        people.length === 0
          ? 'nobody has written yet'
          : table(
              ['user', 'name', 'roles', 'messages', 'last'],
              people.map((one) => [one.user, one.name, rolesText(one), one.messages, dayOf(one.lastSeen)]),
            ),
      )
    })
  users
    .command('show <user>')
    .description('one of them')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\n  creel users show telegram:12345')
    .action(async (user: string, options: { json?: boolean }) => {
      const one = (await runCommand(installOf(context), 'user-show', { user })) as Person
      print(context.output, options.json, one, () =>
        [
          `${one.user}${one.name === '' ? '' : `, shown as ${oneLine(one.name)}`}${one.isBot ? ', a bot' : ''}`,
          `roles: ${rolesText(one)}`,
          ...(one.zone === null ? [] : [`time zone: ${one.zone}`]),
          `${one.messages} messages, first seen ${dayOf(one.firstSeen)}, last ${dayOf(one.lastSeen)}`,
        ].join('\n'),
      )
    })
  users
    .command('zone <user> [zone]')
    .description('on whose clock times are meant that they name')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
They can choose it themselves, with /timezone in a chat. Tasks that are there already keep theirs.

  creel users zone telegram:12345                   which one it is
  creel users zone telegram:12345 Europe/Berlin
  creel users zone telegram:12345 default           that of the agent, else of this machine`,
    )
    .action(async (user: string, zone: string | undefined, options: { json?: boolean }) => {
      const args = zone === undefined ? { user } : { user, zone }
      const one = (await runCommand(installOf(context), 'user-zone', args)) as Pick<Person, 'user' | 'zone'>
      print(context.output, options.json, one, () => `${one.user}: ${one.zone ?? 'none of their own'}`)
    })
  users
    .command('forget <user>')
    .description('take away roles, logins and name, and the words of their messages')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
What an agent has written down is its own: see "creel memory", and groups/<name>/memory/conversations. The only owner
cannot be forgotten. Backups made before still hold everything.

  creel users forget telegram:12345`,
    )
    .action(async (user: string, options: { json?: boolean }) => {
      const done = (await runCommand(installOf(context), 'user-forget', { user })) as Forgotten
      const kept =
        done.kept === 0 ? '' : `; ${done.kept} are being worked on: forget again when they are done`
      print(
        context.output,
        options.json,
        done,
        () => `forgot ${user}: ${done.roles} roles, the words of ${done.messages} messages${kept}`,
      )
    })
  addPairCommand(users, context)
}

function rolesText({ roles }: Person): string {
  return roles.map(({ role, group }) => (group === null ? role : `${role} of ${group}`)).join(', ') || 'none'
}

function dayOf(at: number | null): string {
  return at === null ? 'never' : new Date(at).toISOString().slice(0, 10)
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
