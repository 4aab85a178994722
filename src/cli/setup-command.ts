import { text } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import { terminalConsent } from '../../setup/consent.ts'
import { thisMachine } from '../../setup/machine.ts'
import { thisMachinesFacts } from '../../setup/machine-facts.ts'
import { Steps } from '../../setup/step.ts'
import { ClackPrompter } from '../../setup/wizard/clack-prompter.ts'
import { answersOf, type SetupFlags } from '../../setup/wizard/flags.ts'
import { type Prompter, SetupStoppedError } from '../../setup/wizard/prompter.ts'
import { nextLines, setUpUnattended, setUpWithQuestions } from '../../setup/wizard/setup.ts'
import { type SetupWorld, STEP_NAMES, type StepName } from '../../setup/wizard/world.ts'
import { PROVIDERS } from '../config/schema.ts'
import { CreelError } from '../domain/errors.ts'
import { type CliContext, installOf } from './context.ts'
import { safeJson } from './output.ts'

type Flags = SetupFlags & { readonly yes?: boolean; readonly only?: StepName[]; readonly json?: boolean }

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
    .action(async (flags: Flags) => {
      const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true
      const unattended = flags.yes === true || flags.answers === true || flags.json === true
      if (!unattended && !isTerminal)
        throw new CreelError('invalid', 'there is no terminal to ask at', {
          hint: 'add --yes, and what should not be the default as flags: creel setup --help',
        })
      try {
        if (unattended) await runUnattended(context, flags)
        else await ask(context, flags)
      } catch (error) {
        if (!(error instanceof SetupStoppedError)) throw error
        process.exitCode = 130
      }
    })
}

async function ask(context: CliContext, { only = [], telegramApi }: Flags): Promise<void> {
  const plain = context.env.TERM === 'dumb'
  const prompter = new ClackPrompter({ signal: context.signal, plain })
  const world = worldOf(context, { yes: false, prompter })
  world.chosen.telegramApi = telegramApi
  await setUpWithQuestions(world, prompter, only)
}

async function runUnattended(context: CliContext, flags: Flags): Promise<void> {
  const input =
    flags.answers === true || flags.keyStdin === true || flags.telegramTokenStdin === true
      ? await text(process.stdin)
      : ''
  const { yes: _yes, only: _only, json: _json, ...said } = flags
  const answers = answersOf(said, input)
  const world = worldOf(context, { yes: flags.yes === true, prompter: null })
  const result = await setUpUnattended(world, answers, flags.only ?? [])
  if (flags.json) context.output.out(safeJson(result))
  else for (const line of nextLines(world)) world.say(line)
}

function worldOf(context: CliContext, by: { yes: boolean; prompter: Prompter | null }): SetupWorld {
  const { prompter } = by
  const consent = terminalConsent(by.yes)
  return {
    context,
    parts: {
      machine: thisMachine(),
      consent: {
        ...consent,
        ...(prompter === null ? {} : { ask: (question) => prompter.confirm(question, false) }),
      },
      steps: new Steps({ out: process.stderr }),
    },
    facts: thisMachinesFacts(),
    install: () => installOf(context),
    say: (line) => context.output.err(line),
    chosen: {},
  }
}
