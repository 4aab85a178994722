import { type Command, Option } from 'commander'
import { z } from 'zod'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { CreelError } from '../domain/errors.ts'
import { type SecretKind, secretKinds } from '../domain/secret.ts'
import type { SecretLine } from '../operator/vault-commands.ts'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { type SecretInput, standardInput } from './secret-input.ts'
import { questionFor, type SetOptions, secretValue } from './secret-value.ts'
import { runCommand } from './session.ts'
import { addVaultFileCommands } from './vault-file-commands.ts'
import { addVaultLoginCommand } from './vault-login-command.ts'

type Json = { readonly json?: boolean }

export function addVaultCommands(program: Command, context: CliContext): void {
  const input = context.secretInput ?? standardInput()
  const vault = program
    .command('vault')
    .description('keys, tokens and logins: list, set, login, test, …')
    .addHelpText(
      'after',
      `
Secrets are kept encrypted in the data directory; the master key lies elsewhere. No sandbox ever sees one: the gateway
adds them to requests. A profile of a service is called SERVICE/PROFILE, such as anthropic/work, openai/main or
telegram/main; any other name is a secret for the hosts that it is given, and is added to a tool's requests there.

Which agent may use which stands in its container.json: "secrets": ["anthropic/work", "github"]. An agent without that
line uses the default profile of its model's service, and nothing else.

Values are typed at a prompt or piped in, never given as arguments, and never shown again.`,
    )
  addListCommand(vault, context)
  addSetCommand(vault, context, input)
  addNameCommands(vault, context)
  addVaultLoginCommand(vault, context, input)
  addVaultFileCommands(vault, context, input)
}

function addListCommand(vault: Command, context: CliContext): void {
  vault
    .command('list')
    .description('names, kinds, ends and last use; never a value')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\n* marks the default profile of a service.')
    .action(async (options: Json) => {
      const result = await runCommand(installOf(context), 'vault-list')
      const { secrets, file, key } = Listed.parse(result)
      print(context.output, options.json, result, () =>
        secrets.length === 0
          ? 'nothing in the vault yet: ./creel vault set anthropic/main'
          : [
              table(['SECRET', 'KIND', 'FOR', 'AGENTS', 'LAST USED', 'STATE'], secrets.map(rowOf)),
              '',
              `vault ${file}, master key ${key}`,
            ].join('\n'),
      )
    })
}

function addSetCommand(vault: Command, context: CliContext, input: SecretInput): void {
  vault
    .command('set <name>')
    .description('keep a secret, or change one; counts at once')
    .addOption(
      new Option('--kind <kind>', 'what it is, when the other options do not say').choices(
        secretKinds.filter((kind) => kind !== 'oauth'),
      ),
    )
    .option('--host <host...>', 'hosts it may be sent to: api.example.com, *.example.com, host:8443')
    .option('--path <path...>', 'paths there, each with all below it; without: every path')
    .option('--header <name>', 'it is the value of this header')
    .option('--user <name>', 'it is the password of this user (basic)')
    .option('--parameter <name>', 'it is this parameter of the address')
    .option('--default', 'make it the default profile of its service')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The value is asked for and not shown, or read from a pipe:

  creel vault set anthropic/work                   an API key, or the token of "claude setup-token"
  creel vault set telegram/main                    a bot's token: token_secret = "telegram/main" in creel.toml
  creel vault set github --host api.github.com --path /repos/acme
  creel vault set search --host api.search.example --header X-Api-Key < key.txt`,
    )
    .action(async (name: string, options: SetOptions & Json & { default?: boolean }) => {
      const install = installOf(context)
      const question = questionFor(name, options)
      // Before anything is typed: what is missing is said now.
      secretValue(name, options, 'x', 0)
      const typed = await input.read(question, context.signal)
      const value = secretValue(name, options, typed, systemClock.now())
      const asked = { name, value, default: options.default ?? false }
      const result = await runCommand(install, 'vault-set', asked)
      print(context.output, options.json, result, () => `${name} is kept; it counts at once`)
    })
}

function addNameCommands(vault: Command, context: CliContext): void {
  vault
    .command('remove <name>')
    .description('forget a secret')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nAt the service it stays good until it is revoked there.')
    .action(async (name: string, options: Json) => {
      const result = await runCommand(installOf(context), 'vault-remove', { name })
      const { groups } = z.object({ groups: z.array(z.string()) }).parse(result)
      const users = groups.length === 0 ? '' : `; these agents used it: ${groups.join(', ')}`
      print(context.output, options.json, result, () => `${name} is forgotten${users}`)
    })
  vault
    .command('default <name>')
    .description('make a profile the one that agents use which name none')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\n  creel vault default anthropic/personal')
    .action(async (name: string, options: Json) => {
      const result = await runCommand(installOf(context), 'vault-default', { name })
      print(context.output, options.json, result, () => `${name} is the default of its service`)
    })
  vault
    .command('test <name>')
    .description('try a secret with one cheap real call, and say what came back')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nA login that is about to end is renewed first. Exit code 1 when it does not work.',
    )
    .action(async (name: string, options: Json) => {
      const result = await runCommand(installOf(context), 'vault-test', { name })
      const { ok, what, ms } = z.object({ ok: z.boolean(), what: z.string(), ms: z.number() }).parse(result)
      print(context.output, options.json, result, () => `${ok ? '✓' : '✗'} ${name}: ${what} (${ms} ms)`)
      if (!ok)
        throw new CreelError('unavailable', `${name} does not work`, {
          hint: `./creel vault set ${name} changes it`,
        })
    })
}

const Listed = z.object({
  file: z.string(),
  key: z.string(),
  secrets: z.array(z.custom<SecretLine>((line) => typeof line === 'object')),
})

function rowOf(line: SecretLine): (string | null)[] {
  const day = (at: number | null) => (at === null ? null : new Date(at).toISOString().slice(0, 10))
  const kinds: Partial<Record<SecretKind, string>> = { oauth: 'login' }
  const where = line.service ?? line.hosts.join(' ')
  const ends = line.expiresAt === null || line.renewed ? 'good' : `until ${day(line.expiresAt)}`
  return [
    line.isDefault ? `${line.name} *` : line.name,
    kinds[line.kind] ?? line.kind,
    line.paths.length === 0 ? where : `${where} ${line.paths.join(' ')}`,
    line.groups.join(', '),
    day(line.lastUsedAt),
    line.dead === null ? ends : `over: ${line.dead}`,
  ]
}
