import type { CliContext } from '../../src/cli/context.ts'
import type { SetUpParts } from '../../src/cli/set-up.ts'
import type { Install } from '../../src/config/load.ts'
import type { MachineFacts } from '../machine-facts.ts'
import type { SetupAnswers } from './answers.ts'
import type { Prompter } from './prompter.ts'

export const STEP_NAMES = ['machine', 'data', 'provider', 'group', 'channel', 'service', 'trip'] as const
export type StepName = (typeof STEP_NAMES)[number]

/** What the steps work on. Everything that lasts is in files and tables: a set-up can end anywhere and be begun again. */
export interface SetupWorld {
  readonly context: CliContext
  readonly parts: SetUpParts
  readonly facts: MachineFacts
  /** The settings as they are in the files now. */
  readonly install: () => Install
  readonly say: (line: string) => void
  /** What was chosen in this run and stands nowhere yet. */
  readonly chosen: Chosen
}

/** Written by the steps, read by later ones. */
export interface Chosen {
  provider?: string
  model?: string
  /** The agent that was made or changed. */
  group?: string | undefined
  /** Name of the Telegram bot, without the @. */
  bot?: string
  /** A self-hosted Bot API server. */
  telegramApi?: string | undefined
  /** The chat that was paired in this run, and since when what is said there counts. */
  telegramChat?: { readonly label: string; readonly since: number }
  /** Shown at the end. */
  loginLink?: string
  /** The round trip, hop by hop. */
  hops?: readonly Hop[]
}

/** A point on the way of a message. */
export interface Hop {
  readonly hop: string
  /** Since the message was received. */
  readonly ms: number
  readonly what: string
}

/** How a step stands. */
export interface Standing {
  readonly done: boolean
  /** One line. */
  readonly text: string
}

export type Outcome = 'done' | 'skipped' | 'back'

/** One part of the set-up. Each can be run alone, again, and ended anywhere: what it writes, it writes at once. */
export interface WizardStep {
  readonly name: StepName
  readonly title: string
  /** Looks, and changes nothing. */
  look(world: SetupWorld): Promise<Standing>
  /** Asks a person and does what they say. Throws SetupStoppedError, or CreelError with what to do. */
  interactive(world: SetupWorld, prompter: Prompter): Promise<Outcome>
  /** Does what flags or JSON say, without asking. Throws CreelError with what to do. */
  unattended(world: SetupWorld, answers: SetupAnswers): Promise<void>
}
