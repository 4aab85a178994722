import type { Interface } from 'node:readline'
import type { TerminalEvent } from '../adapters/control/wire.ts'
import { elapsedText } from '../domain/elapsed-text.ts'
import { oneLine } from './output.ts'

/** A turn that is done this soon needs no words. */
const PATIENCE_MS = 2_000
const MAX_ACTIVITY = 30

type Progress = Extract<TerminalEvent, { type: 'progress' }>

/** The prompt of a conversation, which says how a running turn goes; what is typed behind it stays. */
export class ChatStatus {
  readonly #reader: Pick<Interface, 'setPrompt' | 'prompt'>
  readonly #group: string
  readonly #now: () => number
  #since: number | null = null
  #activity = ''
  #timer: NodeJS.Timeout | undefined
  #shown = ''

  constructor(reader: Pick<Interface, 'setPrompt' | 'prompt'>, group: string, now: () => number) {
    this.#reader = reader
    this.#group = group
    this.#now = now
  }

  progress({ activity, elapsedMs }: Progress): void {
    this.#since = this.#now() - (elapsedMs ?? 0)
    this.#activity = oneLine(activity ?? '').slice(0, MAX_ACTIVITY)
    this.#timer ??= setInterval(() => this.#show(), 1_000).unref()
    this.#show()
  }

  /** The turn has ended. */
  idle(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#since = null
    this.#show()
  }

  /** What stands before the line that is typed. */
  get text(): string {
    const elapsed = this.#since === null ? 0 : this.#now() - this.#since
    if (this.#since === null || elapsed < PATIENCE_MS) return `${this.#group}> `
    const tool = this.#activity === '' ? '' : ` · ${this.#activity}`
    return `${this.#group} (working ${elapsedText(elapsed)}${tool})> `
  }

  #show(): void {
    const { text } = this
    if (text === this.#shown) return
    this.#shown = text
    this.#reader.setPrompt(text)
    this.#reader.prompt(true)
  }
}
