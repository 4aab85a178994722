import type { Command } from 'commander'
import type { Install } from '../config/load.ts'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'
import { hostRuns, startDetached, stopHost } from './detached-host.ts'
import { print } from './output.ts'
import { serve } from './serve.ts'
import { runCommand } from './session.ts'
import { setUp } from './set-up.ts'

export function addLifeCommands(program: Command, context: CliContext): void {
  program
    .command('up')
    .description('install what is missing, then run Creel and print the address of the web chat')
    .option('-d, --detach', 'run in the background')
    .option('-y, --yes', 'install missing packages without asking')
    .addHelpText(
      'after',
      `
Safe to run again: it goes on where it was. What it does: finds or installs a container engine, builds the
agent image, makes a first agent (the keyless demo provider), starts the host. Ctrl-C ends the host; the
agents' sandboxes go on and are taken over by the next "creel up". "creel down" ends both.`,
    )
    .action(async (options: { detach?: boolean; yes?: boolean }) => {
      const install = installOf(context)
      await refuseSecond(install)
      await setUp(install, options.yes ?? false)
      if (options.detach) {
        context.output.out(readyText(await startDetached(install, context)))
        context.output.out('It runs in the background: creel status, creel logs -f, creel down.')
      } else await serveHere(install, context, false)
    })
  program
    .command('serve')
    .description('run the host in the foreground and install nothing (for services and containers)')
    .option('--stop-sandboxes', 'when told to stop, stop the sandboxes too')
    .addHelpText(
      'after',
      `
For systemd, a compose file or a test: errors end it with exit code 1, SIGTERM ends it in order. Without
--stop-sandboxes the agents go on meanwhile, and the next host takes them over.`,
    )
    .action(async (options: { stopSandboxes?: boolean }) => {
      const install = installOf(context)
      await refuseSecond(install)
      await serveHere(install, context, options.stopSandboxes ?? false)
    })
  program
    .command('down')
    .description('let running turns end, then stop the host and its sandboxes')
    .addHelpText(
      'after',
      `
Running turns get ten seconds; what is not done by then is begun again after the next "creel up".
No message is lost. To restart the host alone, end it with Ctrl-C or SIGTERM instead.`,
    )
    .action(async () => {
      const install = installOf(context)
      const ran = await stopHost(install, context)
      context.output.out(ran ? 'stopped' : 'Creel is not running')
    })
  program
    .command('link')
    .description('print a new one-time login link for the web chat')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Good for one browser and 15 minutes. Whoever opens it is an owner of this install: pass it on with care.

  creel link                       for this machine, or through an ssh tunnel to the port of the web chat`,
    )
    .action(async (options: { json?: boolean }) => {
      const result = (await runCommand(installOf(context), 'link')) as { url: string }
      print(context.output, options.json, result, () => result.url)
    })
}

async function refuseSecond(install: Install): Promise<void> {
  if (!(await hostRuns(install))) return
  throw new CreelError('conflict', 'Creel is already running here', {
    hint: './creel link prints a login link, ./creel status how it is, ./creel down stops it',
  })
}

async function serveHere(install: Install, context: CliContext, stopSandboxes: boolean): Promise<void> {
  const { output, signal } = context
  await serve({
    install,
    signal,
    stopSandboxes,
    onReady: (link) => {
      output.out(readyText(link))
      output.out(`log: ${install.paths.logFile} (creel logs -f). Ctrl-C stops the host.`)
    },
  })
  output.out('stopped')
}

function readyText(link: string | null): string {
  if (link === null) return 'Creel is running; the web chat is switched off (web.enabled in creel.toml)'
  return `Creel is running. Open this link once to log in (good for 15 minutes):\n\n  ${link}\n`
}
