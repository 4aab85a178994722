import type { Command } from 'commander'
import { systemClock } from '../adapters/clock/system-clock.ts'
import type { PackageChange, PackageLine } from '../operator/package-commands.ts'
import { type CliContext, installOf } from './context.ts'
import { oneLine, print, table } from './output.ts'
import { runCommand } from './session.ts'

interface Change {
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
  readonly rollback?: boolean
}

const LOOK_MS = 500

const HELP = `
An agent's sandbox is made from an image that nobody changes from within. What you add here, or allow when the agent
asks (install_packages), is installed into an image of its own, away from your data and keys; the agent goes on in
it with its next turn. Packages are named apt:NAME, npm:NAME or pip:NAME, with a version if you want one:

  creel packages add home apt:pandoc npm:prettier@3.6.2 pip:openpyxl==3.1.5
  creel packages list home
  creel packages rollback home       what it had before the last change

The same list stands in groups/NAME/container.json, where you can change it, too:
"packages": {"apt": ["pandoc"], "npm": ["prettier@3.6.2"], "pip": ["openpyxl==3.1.5"]}. Install scripts of npm are not
run, and Python packages come as wheels alone.`

export function addPackageCommands(program: Command, context: CliContext): void {
  const packages = program
    .command('packages')
    .description('what is installed for an agent: list, add, remove, rollback')
    .addHelpText('after', HELP)
  packages
    .command('list [group]', { isDefault: true })
    .description('packages of an agent, or of all, and whether they are there')
    .addHelpText('after', '\n  creel packages list home    with what "rollback" goes back to')
    .option('--json', 'print the result as JSON')
    .action(async (group: string | undefined, { json }: { json?: boolean }) => {
      const args = group === undefined ? {} : { group }
      const lines = (await runCommand(installOf(context), 'package-list', args)) as PackageLine[]
      print(context.output, json, lines, () => listText(lines))
    })
  packages
    .command('add <group> <package...>')
    .description('install packages for an agent, or other versions of them')
    .addHelpText(
      'after',
      '\n  creel packages add home apt:jq    takes a minute; a failure leaves all as it was',
    )
    .option('--json', 'print the result as JSON')
    .action((group: string, add: string[], { json }: { json?: boolean }) =>
      change(context, group, { add }, json),
    )
  packages
    .command('remove <group> <package...>')
    .description('make an image for the agent without these')
    .addHelpText('after', '\n  creel packages remove home apt:jq    a version need not be named')
    .option('--json', 'print the result as JSON')
    .action((group: string, remove: string[], { json }: { json?: boolean }) =>
      change(context, group, { remove }, json),
    )
  packages
    .command('rollback <group>')
    .description('go back to what the agent had before; the image for that is kept')
    .addHelpText('after', '\n  creel packages rollback home    a second time takes the change up again')
    .option('--json', 'print the result as JSON')
    .action((group: string, { json }: { json?: boolean }) => change(context, group, { rollback: true }, json))
}

/** Asks until it is done. Ended in between, the host goes on building; the change itself is made by the next call. */
async function change(
  context: CliContext,
  group: string,
  wanted: Change,
  json: boolean | undefined,
): Promise<void> {
  const install = installOf(context)
  let since: number | undefined
  let shown = ''
  for (;;) {
    const args = { group, ...wanted, ...(since === undefined ? {} : { since }) }
    const result = (await runCommand(install, 'package-change', args)) as PackageChange
    since = result.since
    if (result.state !== 'building') {
      print(context.output, json, result, () => changeText(result))
      return
    }
    if (shown === '') context.output.err(`building an image for ${group}; this takes a minute or two`)
    const line = result.line === '' ? ' ' : oneLine(result.line).slice(0, 100)
    if (line !== shown && line !== ' ') context.output.err(`  ${line}`)
    shown = line
    await systemClock.sleep(LOOK_MS, context.signal)
  }
}

function changeText({ group, packages, state }: PackageChange): string {
  const list = packages.length === 0 ? 'no packages' : packages.join(' ')
  return state === 'later'
    ? `${group} is to have ${list}; the image for it is built when Creel runs: creel up`
    : `${group} has ${list}, from its next turn on`
}

function listText(lines: readonly PackageLine[]): string {
  if (lines.length === 0) return 'no agents yet: creel group add main'
  const rows = lines.map(({ group, packages, state, problem, before }) => [
    ...[group, packages.join(' '), state === 'none' ? null : state],
    ...[before === null ? null : before.length === 0 ? 'none' : before.join(' '), brief(problem)],
  ])
  return table(['agent', 'packages', 'image', 'before', 'problem'], rows)
}

/** The last line says most: it is the package manager's. */
function brief(problem: string | null): string | null {
  return problem === null ? null : oneLine(problem.split('\n').at(-1) ?? '').slice(0, 120)
}
