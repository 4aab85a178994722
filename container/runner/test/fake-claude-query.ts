import type { ClaudeQuery, QueryFunction, QueryOptions, UserMessage } from '../src/providers/claude/sdk.ts'

/** What a fake does when something is said to it: the messages that it sends for it, or undefined to go on forever. */
export type FakeAnswer = (said: UserMessage, query: FakeClaudeQuery) => readonly object[] | undefined

/** A query of the Agent SDK without a process. Strict: using it after its end throws. */
export class FakeClaudeQuery implements ClaudeQuery {
  readonly options: QueryOptions
  readonly said: string[] = []
  readonly calls: string[] = []
  /** Answers to `interrupt`; undefined for one that never comes. */
  onInterrupt: (() => readonly object[]) | undefined = () => [result([], { is_error: true })]
  ended = false
  readonly #out: object[] = []
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(prompt: AsyncIterable<UserMessage>, options: QueryOptions, answer: FakeAnswer) {
    this.options = options
    void this.#listen(prompt, answer)
  }

  send(...messages: readonly object[]): void {
    this.#out.push(...messages)
    this.#wake?.()
  }

  /** The process dies. */
  die(message: string): void {
    this.#failure = new Error(message)
    this.close()
  }

  async interrupt(): Promise<{ still_queued: string[] }> {
    this.#use('interrupt')
    if (!this.onInterrupt) return new Promise(() => undefined)
    this.send(...this.onInterrupt())
    return { still_queued: [] }
  }

  async setModel(model?: string): Promise<void> {
    this.#use(`model ${model}`)
  }

  async applyFlagSettings(settings: { effortLevel: string | null }): Promise<void> {
    this.#use(`effort ${settings.effortLevel}`)
  }

  close(): void {
    this.ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<object, void> {
    for (;;) {
      while (this.#out.length > 0) yield* this.#out.splice(0, 1)
      if (this.#failure) throw this.#failure
      if (this.ended) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async #listen(prompt: AsyncIterable<UserMessage>, answer: FakeAnswer): Promise<void> {
    for await (const said of prompt) {
      this.said.push(wordsOf(said))
      this.send(...(answer(said, this) ?? []))
    }
    this.close()
  }

  #use(call: string): void {
    if (this.ended) throw new Error(`${call} after the end`)
    this.calls.push(call)
  }
}

/** A `query` that makes fakes, and all that it made. */
export function fakeClaude(answer: FakeAnswer): { query: QueryFunction; made: FakeClaudeQuery[] } {
  const made: FakeClaudeQuery[] = []
  const query: QueryFunction = ({ prompt, options }) => {
    const fake = new FakeClaudeQuery(prompt, options, answer)
    made.push(fake)
    return fake
  }
  return { query, made }
}

export const init = (session: string) => ({ type: 'system', subtype: 'init', session_id: session })

export const text = (words: string) => ({
  type: 'assistant',
  parent_tool_use_id: null,
  uuid: words,
  message: { id: `msg of ${words}`, model: 'm', content: [{ type: 'text', text: words }] },
})

export const result = (uuids: readonly string[], more: object = {}) => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  user_message_uuids: uuids,
  ...more,
})

/** What was said, without the images that were shown with it. */
export function wordsOf({ message: { content } }: UserMessage): string {
  if (typeof content === 'string') return content
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
