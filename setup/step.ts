import { CreelError, errorText } from '../src/domain/errors.ts'

/** A terminal or a file that steps are shown on. */
export interface StepOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** A line that a step is allowed to fill on a terminal. */
const WIDTH = 100
/** Where output is kept, a long step says how far it is no more often than this. */
const NOTE_EVERY_MS = 10_000

/**
 * Numbered steps with their durations. On a terminal a running step shows its last note on one line that is written
 * over; elsewhere every line stays, and notes are thinned out.
 */
export class Steps {
  readonly #out: StepOutput
  readonly #now: () => number
  readonly #shown = new WeakSet<Error>()
  #count = 0

  constructor(options: { out: StepOutput; now?: () => number }) {
    this.#out = options.out
    this.#now = options.now ?? Date.now
  }

  /** Runs one step. `note` tells what it is doing. A failure is shown with its hint and thrown on. */
  async run<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T> {
    const start = this.#now()
    const head = `[${++this.#count}] ${title}`
    let noted = start
    if (this.#out.isTTY) this.#out.write(`${head} ...`)
    const note = (text: string): void => {
      const line = printable(text)
      if (this.#out.isTTY) this.#out.write(`\r\x1b[K${`${head}: ${line}`.slice(0, WIDTH)}`)
      else if (this.#now() - noted >= NOTE_EVERY_MS) {
        noted = this.#now()
        this.#out.write(`    ${head}: ${line.slice(0, WIDTH)}\n`)
      }
    }
    try {
      const result = await work(note)
      this.#finish(`✓ ${head} (${this.#seconds(start)})`)
      return result
    } catch (error) {
      this.#finish(`✗ ${head} (${this.#seconds(start)})`)
      this.#explain(error)
      throw error
    }
  }

  /** True for an error that a step has shown already. */
  hasShown(error: unknown): boolean {
    return error instanceof Error && this.#shown.has(error)
  }

  #finish(line: string): void {
    this.#out.write(`${this.#out.isTTY ? '\r\x1b[K' : ''}${line}\n`)
  }

  #explain(error: unknown): void {
    this.#out.write(`  ${errorText(error).replaceAll('\n', '\n  ')}\n`)
    if (error instanceof CreelError && error.hint !== undefined)
      this.#out.write(`  what to do: ${error.hint.replaceAll('\n', '\n  ')}\n`)
    if (error instanceof Error) this.#shown.add(error)
  }

  #seconds(start: number): string {
    return `${((this.#now() - start) / 1000).toFixed(1)} s`
  }
}

/** Without what would move the cursor or change colours: the text comes from other programs. */
function printable(text: string): string {
  return Array.from(text, (char) => ((char.codePointAt(0) ?? 0) < 32 ? ' ' : char))
    .join('')
    .trim()
}
