import { errorLines } from './error-lines.ts'
import { isUntouched } from './group-step.ts'
import { type Prompter, SetupStoppedError } from './prompter.ts'
import type { Outcome, SetupWorld, WizardStep } from './world.ts'

/**
 * Takes a person through the steps: forwards, back, over what they skip. A step that fails is shown and can be tried
 * again. `onDone` hears of each that was done. Throws SetupStoppedError when they end it.
 */
export async function walk(
  steps: readonly WizardStep[],
  world: SetupWorld,
  prompter: Prompter,
  onDone: (step: WizardStep) => void,
): Promise<void> {
  for (let at = 0; at < steps.length; ) {
    const step = steps[at]
    if (step === undefined) return
    const outcome = await attempt(step, world, prompter)
    if (outcome === 'again') continue
    if (outcome === 'done') onDone(step)
    at = outcome === 'back' ? Math.max(0, at - 1) : at + 1
  }
}

async function attempt(step: WizardStep, world: SetupWorld, prompter: Prompter): Promise<Outcome | 'again'> {
  try {
    return await step.interactive(world, prompter)
  } catch (error) {
    if (error instanceof SetupStoppedError || world.context.signal.aborted) throw error
    if (!world.parts.steps.hasShown(error)) for (const line of errorLines(error)) world.say(line)
    return prompter.select(`“${step.title}” did not work out. What now?`, [
      { value: 'again', label: 'Try again' },
      { value: 'skipped', label: 'Skip it for now' },
      { value: 'back', label: 'Back' },
    ])
  }
}

/** Where to begin: all in order, at the first that is not done, or one of them alone. */
export async function chooseSteps(
  steps: readonly WizardStep[],
  world: SetupWorld,
  prompter: Prompter,
): Promise<readonly WizardStep[]> {
  const standings = await Promise.all(steps.map((step) => step.look(world)))
  prompter.note(
    'How it stands',
    steps.map(
      (step, index) => `${standings[index]?.done ? '✓' : '·'} ${step.title}: ${standings[index]?.text ?? ''}`,
    ),
  )
  if (isUntouched(world)) return steps
  const choice = await prompter.select('Begin where?', [
    { value: 'left', label: 'With what is left' },
    { value: 'all', label: 'Go through all of it' },
    ...steps.map((step) => ({ value: `= ${step.name}`, label: `Only: ${step.title}` })),
  ])
  if (choice === 'all') return steps
  if (choice === 'left') return steps.filter((_, index) => !standings[index]?.done)
  return steps.filter((step) => `= ${step.name}` === choice)
}
