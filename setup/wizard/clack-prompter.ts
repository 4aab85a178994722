import { confirm, isCancel, note, password, select, text } from '@clack/prompts'
import { type Option, type Prompter, SetupStoppedError, type Validate } from './prompter.ts'

/** Questions at this process' terminal. On one that cannot move its cursor (TERM=dumb) as plain lines. */
export class ClackPrompter implements Prompter {
  readonly #common: { readonly signal: AbortSignal; readonly accessible?: boolean }

  constructor(options: { readonly signal: AbortSignal; readonly plain: boolean }) {
    this.#common = options.plain ? { signal: options.signal, accessible: true } : { signal: options.signal }
  }

  async select<T extends string>(
    message: string,
    options: readonly Option<T>[],
    ...[initial]: readonly T[]
  ): Promise<T> {
    const value = await select<string>({
      ...this.#common,
      message,
      options: options.map(({ hint, ...option }) => (hint === undefined ? option : { ...option, hint })),
      ...(initial === undefined ? {} : { initialValue: initial }),
    })
    if (isCancel(value)) throw new SetupStoppedError()
    const chosen = options.find((option) => option.value === value)
    if (chosen === undefined) throw new SetupStoppedError()
    return chosen.value
  }

  async text(message: string, initial: string, validate: Validate): Promise<string> {
    const check = (value: string | undefined) => validate((value ?? '').trim())
    const value = await text({ ...this.#common, message, initialValue: initial, validate: check })
    if (isCancel(value)) throw new SetupStoppedError()
    return value.trim()
  }

  async secret(message: string, validate: Validate): Promise<string> {
    const check = (value: string | undefined) => validate((value ?? '').trim())
    const value = await password({ ...this.#common, message, validate: check, clearOnError: true })
    if (isCancel(value)) throw new SetupStoppedError()
    return value.trim()
  }

  async confirm(message: string, initial: boolean): Promise<boolean> {
    const value = await confirm({ ...this.#common, message, initialValue: initial })
    if (isCancel(value)) throw new SetupStoppedError()
    return value
  }

  note(title: string, lines: readonly string[]): void {
    note(lines.join('\n'), title, { ...this.#common, format: (line) => line })
  }
}
