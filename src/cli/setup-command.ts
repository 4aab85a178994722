import { type Command, Option } from 'commander'
import { STEP_NAMES } from '../../setup/wizard/world.ts'
import { PROVIDERS } from '../config/schema.ts'
import { CreelError } from '../domain/errors.ts'
import type { CliContext } from './context.ts'
import type { SetupCommandFlags } from './setup-run.ts'

const HELP = `
With a terminal it asks, step by step: machine, data, provider, group (your agent), channel
(Telegram, web, terminal), service (starting with the machine), trip (a message there and back).
Each step can be skipped, gone back from, and taken again: run it as often as you like. Ctrl-C ends it at any question;
what was done by then stays, and the next run goes on from there.

Without questions, for scripts (--yes installs what is missing, too). Secrets come on standard input, never as words of
the command: one line each, the key first. Or everything as one JSON object.

  creel setup                                            asks
  creel setup --only provider                            asks for one step alone
  creel setup --yes                                      the demo provider, an agent main, a message there and back
  creel setup --yes --provider claude --key-stdin < key.txt
  creel setup --yes --provider codex --base-url http://127.0.0.1:11434 --model qwen3 --group home
  printf '%s\\n%s\\n' "$KEY" "$TOKEN" | creel setup --yes --provider claude --key-stdin --telegram-token-stdin --wait 300
  creel setup --yes --answers < setup.json

  {"provider":{"name":"claude","key":"sk-…"},"group":{"name":"home","persona":"You keep our lists."}}

Keys of that object: data_dir; provider: name, key, base_url, model, check; group: name, persona;
telegram: token, api_root, check, owner, wait_s; service: kind, enable; trip.

Exit code 0 when all that was asked for is done, 130 when it was stopped.`

export function addSetupCommand(program: Command, context: CliContext): void {
  program
    .command('setup')
    .description('set Creel up step by step: machine, model, agent, and a first message')
    .option('-y, --yes', 'ask nothing: take the flags and the defaults, install what is missing')
    .addOption(new Option('--only <step...>', 'these steps alone').choices([...STEP_NAMES]))
    .option('--data-dir <folder>', 'where data goes')
    .addOption(new Option('--provider <name>', 'what drives the agent').choices([...PROVIDERS]))
    .option(
      '--key-stdin',
      'its API key (or the token of "claude setup-token") is the next line of standard input',
    )
    .option('--base-url <url>', 'a proxy or a local model in place of the service’s own address')
    .option('--model <name>', 'the model, where the default is not meant')
    .option('--no-check', 'keep a key without trying it')
    .option('--group <name>', 'the agent: made when it is not there')
    .option('--persona <text>', 'who it is, in one line')
    .option('--telegram-token-stdin', 'the token of a Telegram bot is the next line of standard input')
    .option('--telegram-api <url>', 'a self-hosted Bot API server')
    .option('--owner <user>', 'who owns it, where that is known: telegram:12345')
    .option(
      '--wait <seconds>',
      'show a pairing code, and wait so long for whoever is to be the owner to send it',
    )
    .addOption(new Option('--service <kind>', 'write what runs Creel').choices(['systemd', 'compose']))
    .option('--enable', 'have that start it, now and with the machine')
    .option('--no-trip', 'start nothing and send no message at the end')
    .option('--answers', 'all of that as one JSON object on standard input')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action(async (flags: SetupCommandFlags) => {
      const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true
      const unattended = flags.yes === true || flags.answers === true || flags.json === true
      if (!unattended && !isTerminal)
        throw new CreelError('invalid', 'there is no terminal to ask at', {
          hint: 'add --yes, and what should not be the default as flags: creel setup --help',
        })
      // A host that starts must not wait for the wizard to be loaded.
      const { runSetup } = await import('./setup-run.ts')
      await runSetup(context, flags, unattended)
    })
}
