import { type Option, type Prompter, SetupStoppedError, type Validate } from '../../setup/wizard/prompter.ts'

/** What a person answers, in order: a part of the question and what they say. `STOP` is Ctrl-C. */
export type Script = readonly (readonly [question: string, answer: string | boolean])[]

export const STOP = '\u0003'

/** Somebody at a terminal, by script. Strict: another question than the next one, or an answer that is not offered, fails. */
export class ScriptedPrompter implements Prompter {
  readonly #script: [string, string | boolean][]
  readonly notes: string[] = []
  /** Complaints about what was typed. */
  readonly complaints: string[] = []

  constructor(script: Script) {
    this.#script = script.map(([question, answer]) => [question, answer])
  }

  /** Questions that were not asked. */
  get left(): number {
    return this.#script.length
  }

  async select<T extends string>(question: string, options: readonly Option<T>[]): Promise<T> {
    const answer = this.#next(question)
    const chosen = options.find(({ value }) => value === answer)
    if (chosen) return chosen.value
    throw new Error(`${question}: ${answer} is not one of ${options.map(({ value }) => value).join(', ')}`)
  }

  async text(question: string, initial: string, validate: Validate): Promise<string> {
    for (;;) {
      const typed = String(this.#next(question)).replace(/^\*$/, initial)
      const complaint = validate(typed)
      if (complaint === undefined) return typed
      this.complaints.push(complaint)
    }
  }

  async secret(question: string, validate: Validate): Promise<string> {
    return this.text(question, '', validate)
  }

  async confirm(question: string): Promise<boolean> {
    const answer = this.#next(question)
    if (typeof answer === 'boolean') return answer
    throw new Error(`${question}: expected yes or no`)
  }

  note(title: string, lines: readonly string[]): void {
    this.notes.push([title, ...lines].join('\n'))
  }

  #next(question: string): string | boolean {
    const [part, answer] = this.#script.shift() ?? []
    if (part === undefined || answer === undefined) throw new Error(`unexpected question: ${question}`)
    if (!question.includes(part)) throw new Error(`expected the question “${part}”, got “${question}”`)
    if (answer === STOP) throw new SetupStoppedError()
    return answer
  }
}
