import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { oneLine } from '../../src/cli/output.ts'
import type { SetupAnswers } from './answers.ts'
import { channelStep } from './channel-step.ts'
import { dataStep } from './data-step.ts'
import { groupStep } from './group-step.ts'
import { machineStep } from './machine-step.ts'
import { type Prompter, SetupStoppedError } from './prompter.ts'
import { providerStep } from './provider-step.ts'
import { serviceStep } from './service-step.ts'
import { tripStep } from './trip-step.ts'
import { chooseSteps, walk } from './walk.ts'
import type { Hop, SetupWorld, StepName, WizardStep } from './world.ts'

/** In the order that they are taken. */
export const WIZARD_STEPS: readonly WizardStep[] = [
  machineStep,
  dataStep,
  providerStep,
  groupStep,
  channelStep,
  serviceStep,
  tripStep,
]

/** What `--json` prints. */
export interface SetupResult {
  readonly done: readonly StepName[]
  readonly group: string | null
  readonly hops: readonly Hop[]
  readonly ms: number
}

/** Asks a person, step by step. Throws SetupStoppedError when they end it: what was done by then stays and is said. */
export async function setUpWithQuestions(
  world: SetupWorld,
  prompter: Prompter,
  only: readonly StepName[],
): Promise<void> {
  const done: WizardStep[] = []
  const named = WIZARD_STEPS.filter(({ name }) => only.includes(name))
  try {
    const steps = named.length > 0 ? named : await chooseSteps(WIZARD_STEPS, world, prompter)
    await walk(steps, world, prompter, (step) => done.push(step))
  } catch (error) {
    if (!(error instanceof SetupStoppedError) && !world.context.signal.aborted) throw error
    world.say(stoppedText(done))
    throw new SetupStoppedError()
  }
  for (const line of nextLines(world)) world.say(line)
}

/** Does what flags or JSON say, without a question. Throws CreelError at the first step that cannot be done. */
export async function setUpUnattended(
  world: SetupWorld,
  answers: SetupAnswers,
  only: readonly StepName[],
): Promise<SetupResult> {
  const from = systemClock.now()
  const steps = WIZARD_STEPS.filter(({ name }) => only.length === 0 || only.includes(name))
  for (const step of steps) await step.unattended(world, answers)
  return {
    done: steps.map(({ name }) => name),
    group: world.chosen.group ?? null,
    hops: world.chosen.hops ?? [],
    ms: systemClock.now() - from,
  }
}

function stoppedText(done: readonly WizardStep[]): string {
  const what =
    done.length === 0 ? 'nothing was changed' : `done: ${done.map(({ title }) => title).join(', ')}`
  return `stopped; ${what}. Go on with ./creel setup`
}

/** What to do next. */
export function nextLines({ chosen }: SetupWorld): readonly string[] {
  const group = oneLine(chosen.group ?? '')
  return [
    '',
    'What to do next:',
    ...(chosen.loginLink === undefined
      ? []
      : [`  open this link once (good for 15 minutes): ${chosen.loginLink}`]),
    ...(chosen.loginLink === undefined ? ['  ./creel link            a login link for the web chat'] : []),
    `${`  ./creel chat ${group}`.padEnd(26)}talk to it here`,
    '  ./creel doctor          what is wrong, and what to do',
    '  ./creel setup           any of this again',
  ]
}
