import { text } from 'node:stream/consumers'
import { terminalConsent } from '../../setup/consent.ts'
import { thisMachine } from '../../setup/machine.ts'
import { thisMachinesFacts } from '../../setup/machine-facts.ts'
import { Steps } from '../../setup/step.ts'
import { ClackPrompter } from '../../setup/wizard/clack-prompter.ts'
import { answersOf, type SetupFlags } from '../../setup/wizard/flags.ts'
import { type Prompter, SetupStoppedError } from '../../setup/wizard/prompter.ts'
import { nextLines, setUpUnattended, setUpWithQuestions } from '../../setup/wizard/setup.ts'
import type { SetupWorld, StepName } from '../../setup/wizard/world.ts'
import { type CliContext, installOf } from './context.ts'
import { safeJson } from './output.ts'

/** What `creel setup` was called with. */
export type SetupCommandFlags = SetupFlags & {
  readonly yes?: boolean
  readonly only?: StepName[]
  readonly json?: boolean
}

/** Sets up, with questions or without. Sets exit code 130 when it was stopped. Throws what a step throws. */
export async function runSetup(
  context: CliContext,
  flags: SetupCommandFlags,
  unattended: boolean,
): Promise<void> {
  try {
    if (unattended) await runUnattended(context, flags)
    else await ask(context, flags)
  } catch (error) {
    if (!(error instanceof SetupStoppedError)) throw error
    process.exitCode = 130
  }
}

async function ask(context: CliContext, { only = [], telegramApi }: SetupCommandFlags): Promise<void> {
  const plain = context.env.TERM === 'dumb'
  const prompter = new ClackPrompter({ signal: context.signal, plain })
  const world = worldOf(context, { yes: false, prompter })
  world.chosen.telegramApi = telegramApi
  await setUpWithQuestions(world, prompter, only)
}

async function runUnattended(context: CliContext, flags: SetupCommandFlags): Promise<void> {
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
