import { CreelError } from '../../src/domain/errors.ts'

/** Somebody ended the set-up with Ctrl-C or Escape at a question, or with a signal. */
export class SetupStoppedError extends CreelError {
  override name = 'SetupStoppedError'
  constructor() {
    super('conflict', 'stopped')
  }
}

export interface Option<T> {
  readonly value: T
  readonly label: string
  readonly hint?: string
}

/** Says what is wrong with what was typed; undefined when it will do. */
export type Validate = (text: string) => string | undefined

/** Asks a person. Every question throws SetupStoppedError when they end it. One question at a time. */
export interface Prompter {
  /** `initial` is under the cursor at first. */
  select<T extends string>(
    question: string,
    options: readonly Option<T>[],
    ...initial: readonly T[]
  ): Promise<T>
  /** A line; `initial` stands there already. */
  text(question: string, initial: string, validate: Validate): Promise<string>
  /** A line that is not shown. */
  secret(question: string, validate: Validate): Promise<string>
  confirm(question: string, initial: boolean): Promise<boolean>
  /** Lines in a frame, to be read before the next question. */
  note(title: string, lines: readonly string[]): void
}
