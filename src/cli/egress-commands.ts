import { type Command, Option } from 'commander'
import { OUTCOMES } from '../domain/ports/egress.ts'
import type { EgressLine, EgressTotal } from '../domain/ports/egress-log.ts'
import { sizeText } from '../domain/size-text.ts'
import type { RuleLine } from '../operator/egress-commands.ts'
import { type CliContext, installOf } from './context.ts'
import { toMs, toNumber, when } from './option-values.ts'
import { print, table } from './output.ts'
import { runCommand } from './session.ts'

interface Whose {
  readonly group?: string
  readonly all?: boolean
  readonly json?: boolean
}

interface AllowOptions extends Whose {
  readonly port?: readonly string[]
  readonly method?: readonly string[]
  readonly path?: readonly string[]
  readonly private?: boolean
  readonly for?: string
  readonly once?: boolean
}

interface LogOptions {
  readonly group?: string
  readonly denied?: boolean
  readonly outcome?: string
  readonly since?: string
  readonly totals?: boolean
  readonly limit: string
  readonly json?: boolean
}

/** `creel egress`: which hosts agents may reach, and what left. */
export function addEgressCommands(program: Command, context: CliContext): void {
  const egress = program
    .command('egress')
    .description('what may leave the sandboxes, and what did: list, allow, deny, remove, log')
    .addHelpText(
      'after',
      `
A sandbox has no network; its tools reach what is allowed through the gateway, and nothing is allowed unless somebody
says so. It counts with the next connection, in this order:

  deny rules            made here; before everything else
  "egress"              of the agent's container.json: ["example.com", "*.example.org", "http://old.example"]
  allow rules           made here, or by the owner's answer to an agent that asks
  secrets               the hosts and paths of a secret that container.json names under "secrets"

example.com is that host on port 443 alone; *.example.com is every host below it, not itself. An address that is not
public (this machine, your network, a cloud's metadata) is reached only with --private.`,
    )
  addListCommand(egress, context)
  addAllowCommand(egress, context)
  addDenyCommands(egress, context)
  addLogCommand(egress, context)
}

function addListCommand(egress: Command, context: CliContext): void {
  egress
    .command('list')
    .description('what agents may reach, where that is said, and until when')
    .option('--group <name>', 'of this agent alone')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nRules that ended are shown for a week. A number is for "creel egress remove".')
    .action(async ({ json, ...scope }: { group?: string; json?: boolean }) => {
      const lines = (await runCommand(installOf(context), 'egress-list', scope)) as readonly RuleLine[]
      print(context.output, json, lines, () =>
        lines.length === 0
          ? 'no agent may reach anything: creel egress allow example.com --group NAME'
          : table(['nr', 'agent', '', 'host', 'from', 'until'], lines.map(rowOf)),
      )
    })
}

function rowOf(line: RuleLine): (string | number | null)[] {
  const until = line.expiresAt === null ? null : when(line.expiresAt)
  const state = line.ended ? 'ended ' : line.once ? 'once, ' : ''
  const end = until === null ? null : `${state}${until}`
  return [line.id, line.group ?? 'all', line.effect, line.text, line.from, end]
}

function whose(command: Command): Command {
  return command
    .option('--group <name>', 'for this agent')
    .option('--all', 'for all agents, those to come too')
    .option('--json', 'print the result as JSON')
}

function addAllowCommand(egress: Command, context: CliContext): void {
  whose(egress.command('allow <host>'))
    .description('let an agent reach a host')
    .option('--port <port...>', 'ports in place of 443')
    .option('--method <method...>', 'only these methods, such as GET (with it goes HEAD)')
    .option('--path <path...>', 'only these paths, each with all below it')
    .option('--private', 'it may be at an address that is not public')
    .option('--for <time>', 'only for so long: 30m, 2h, 7d')
    .option('--once', 'for one piece of work: ends 10 minutes after its first use, in a day without any')
    .addHelpText(
      'after',
      `
With --method or --path the gateway reads the requests, with a certificate of its own; else it passes TLS on unopened.
Takes back a deny rule for the same host.

  creel egress allow api.github.com --group home
  creel egress allow '*.debian.org' --all --for 1h
  creel egress allow http://nas.lan:8080 --group home --private --method GET
  creel egress allow github.com --group home --once     enough for a git clone`,
    )
    .action(async (host: string, options: AllowOptions) => {
      const { json, port, method, path, for: time, ...rest } = options
      const args = {
        ...{ host, ...rest },
        ...(port === undefined ? {} : { ports: port.map((text) => toNumber('--port', text)) }),
        ...(method === undefined ? {} : { methods: method }),
        ...(path === undefined ? {} : { paths: path }),
        ...(time === undefined ? {} : { forMs: toMs('--for', time) }),
      }
      const result = (await runCommand(installOf(context), 'egress-allow', args)) as Allowed
      print(context.output, json, result, () => allowedText(result, options))
    })
}

interface Allowed {
  readonly id: number
  readonly group: string | null
  readonly text: string
  readonly expiresAt: number | null
  readonly warnings: readonly { readonly text: string; readonly hint: string }[]
  readonly deniedBy: readonly number[]
}

function allowedText(
  { id, group, text, expiresAt, warnings, deniedBy }: Allowed,
  options: AllowOptions,
): string {
  const once = options.once ? ', until 10 minutes after its first use' : ''
  const until = expiresAt === null ? once : ` until ${when(expiresAt)}${once}`
  return [
    `${group ?? 'every agent'} may reach ${text}${until} (rule ${id})`,
    ...warnings.map((warning) => `! ${warning.text}\n    what to do: ${warning.hint}`),
    ...deniedBy.map((rule) => `! rule ${rule} still denies it\n    what to do: creel egress remove ${rule}`),
  ].join('\n')
}

function addDenyCommands(egress: Command, context: CliContext): void {
  whose(egress.command('deny <host>'))
    .description('keep an agent from a host, whatever else allows it')
    .addHelpText(
      'after',
      `
On all its ports, unless one is named. Takes back an allow rule for the same host, and comes before container.json,
rules for wider patterns and secrets. Connections that stand are not cut.

  creel egress deny tracker.example --all
  creel egress deny '*.example.com' --group home`,
    )
    .action(async (host: string, { json, ...scope }: Whose) => {
      const result = await runCommand(installOf(context), 'egress-deny', { host, ...scope })
      const { id, group, text } = result as Allowed
      print(context.output, json, result, () => `${group ?? 'every agent'} is kept from ${text} (rule ${id})`)
    })
  egress
    .command('remove <number>')
    .description('take a rule back that allows or denies')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nThe number is from "creel egress list".\n\n  creel egress remove 3')
    .action(async (number: string, { json }: { json?: boolean }) => {
      const result = await runCommand(installOf(context), 'egress-remove', { id: toNumber('number', number) })
      const { id, text, effect } = result as Allowed & { effect: string }
      print(context.output, json, result, () => `rule ${id} is gone: ${effect} ${text}`)
    })
}

function addLogCommand(egress: Command, context: CliContext): void {
  egress
    .command('log')
    .description('what left the sandboxes and what was turned away, newest first')
    .option('--group <name>', 'of this agent')
    .option('--denied', 'only what was turned away')
    .addOption(new Option('--outcome <outcome>', 'only what ended so').choices(OUTCOMES).conflicts('denied'))
    .option('--since <time>', 'only of the last 30m, 2h, 7d')
    .option('--totals', 'sums by agent and host, most bytes first')
    .option('-n, --limit <count>', 'how many lines at most', '50')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Never a body, a header, a query or a secret. Like requests within seconds are one line with a count, of a flood there
is a line with the host "…". The last 10,000 lines of each agent are kept and sums per hour, both for
retention.egress_days. A tunnel is one line when it ends; requests are seen only where the gateway opens TLS.

  creel egress log --denied --since 1d
  creel egress log --totals --group home --json | jq '.[0]'`,
    )
    .action(async ({ json, denied, limit, since, totals, ...filter }: LogOptions) => {
      const args = {
        ...filter,
        ...(denied ? { outcome: 'denied' } : {}),
        ...(since === undefined ? {} : { sinceMs: toMs('--since', since) }),
        limit: toNumber('--limit', limit),
      }
      const result = await runCommand(installOf(context), totals ? 'egress-totals' : 'egress-log', args)
      print(context.output, json, result, () =>
        totals ? totalsTable(result as readonly EgressTotal[]) : logTable(result as readonly EgressLine[]),
      )
    })
}

function logTable(lines: readonly EgressLine[]): string {
  if (lines.length === 0) return 'nothing left, and nothing was turned away'
  return table(
    ['when', 'agent', '', 'request', 'status', 'times', 'out', 'in', 'why'],
    lines.map((line) => [
      when(line.at),
      line.group,
      line.outcome,
      `${line.method} ${hostText(line)}${line.path}`.slice(0, 100),
      ...[line.status, line.count, sizeText(line.bytesOut), sizeText(line.bytesIn)],
      line.reason,
    ]),
  )
}

function hostText({ host, port }: EgressLine): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === 443 || port === 0 ? name : `${name}:${port}`
}

function totalsTable(totals: readonly EgressTotal[]): string {
  if (totals.length === 0) return 'nothing left, and nothing was turned away'
  return table(
    ['agent', 'host', '', 'times', 'out', 'in', 'last (hour)'],
    totals.map((total) => [
      ...[total.group, total.host, total.outcome, total.count],
      ...[sizeText(total.bytesOut), sizeText(total.bytesIn), when(total.hour).slice(0, 16)],
    ]),
  )
}
