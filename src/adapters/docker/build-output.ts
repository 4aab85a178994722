import { z } from 'zod'

/** One line of the engine's build answer; there are more kinds, which say nothing to a person. */
const BuildEvent = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
})

const TAIL_LINES = 40
const MAX_LINE = 500

/** Follows the output of a build: hands on whole lines, keeps the last ones and the error. */
export class BuildOutput {
  readonly #onLine: (line: string) => void
  readonly #tail: string[] = []
  #event = ''
  #line = ''
  #error: string | undefined

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  /** Why the build failed, or undefined when it did not. */
  get error(): string | undefined {
    return this.#error
  }

  /** The last lines, the newest at the end. */
  get tail(): readonly string[] {
    return this.#tail
  }

  /** More of the answer: JSON objects, each on its own line, cut anywhere. */
  write(chunk: string): void {
    const events = `${this.#event}${chunk}`.split('\n')
    this.#event = events.pop() ?? ''
    for (const event of events) this.#take(event)
  }

  end(): void {
    this.#take(this.#event)
    this.#event = ''
    this.#print('\n')
  }

  #take(json: string): void {
    if (json.trim() === '') return
    const event = BuildEvent.parse(JSON.parse(json))
    if (event.stream) this.#print(event.stream)
    if (event.status) this.#print(`${event.status}\n`)
    if (event.error) this.#error = event.error
  }

  #print(text: string): void {
    const lines = `${this.#line}${text}`.split(/[\r\n]+/)
    // One without an end is cut: more of it is not shown anyway.
    this.#line = (lines.pop() ?? '').slice(0, MAX_LINE)
    for (const line of lines) {
      const shown = line.trimEnd().slice(0, MAX_LINE)
      if (shown === '') continue
      this.#tail.push(shown)
      if (this.#tail.length > TAIL_LINES) this.#tail.shift()
      this.#onLine(shown)
    }
  }
}
