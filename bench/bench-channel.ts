import { ChannelRefusedError } from '../src/domain/errors.ts'
import type { UnixMs, UserId } from '../src/domain/ids.ts'
import type { ChatAddress, ChatFile, Progress } from '../src/domain/message.ts'
import type { Accept, Channel } from '../src/domain/ports/channel.ts'
import { preciseNow } from './figures.ts'

export interface Sent {
  readonly chat: string
  readonly text: string
  /** When the host called `send`. */
  readonly at: number
}

/** A channel that takes no time, and notes when the host touches it. */
export class BenchChannel implements Channel {
  readonly name = 'bench'
  readonly account = 'main'
  readonly capabilities = { idempotentSend: true, threads: false }
  /** Called for everything that the host sends. */
  onSent: (sent: Sent) => void = () => undefined
  readonly #waiting: ((sent: Sent) => void)[] = []
  #onText: ((at: number) => void) | null = null
  #accept: Accept | null = null
  #count = 0

  address(chat: string): ChatAddress {
    return { channel: this.name, account: this.account, chat }
  }

  /** Hands a message over; returns when it was committed. */
  say(chat: string, text: string): number {
    this.#count += 1
    this.#accept?.({
      address: this.address(chat),
      chatKind: 'private',
      chatTitle: 'bench',
      platformMessageId: String(this.#count),
      sender: { id: 'bench:1' as UserId, name: 'bench', isBot: false },
      text,
      sentAt: Date.now() as UnixMs,
      mentionsUs: true,
    })
    return preciseNow()
  }

  /** Hands over what came in one answer of the platform; returns when all was committed. */
  sayAll(messages: readonly (readonly [chat: string, text: string])[]): void {
    this.#accept?.together?.(() => {
      for (const [chat, text] of messages) this.say(chat, text)
    })
  }

  /** The next message the host sends. */
  async nextSent(): Promise<Sent> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** When text is first shown or sent from now on. */
  async firstText(): Promise<number> {
    return new Promise((resolve) => {
      this.#onText = resolve
    })
  }

  async receive(accept: Accept, signal: AbortSignal): Promise<void> {
    this.#accept = accept
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  render(markdown: string): readonly string[] {
    return [markdown]
  }

  renderChoices(markdown: string): readonly string[] {
    return [markdown]
  }

  renderFile({ name }: ChatFile): readonly string[] {
    return [name]
  }

  async fetchFile(): Promise<never> {
    throw new ChannelRefusedError('nobody sends files here')
  }

  async send(to: ChatAddress, part: string, key: string): Promise<string> {
    const sent = { chat: to.chat, text: part, at: preciseNow() }
    this.#textAt(sent.at)
    this.#waiting.shift()?.(sent)
    this.onSent(sent)
    return key
  }

  showProgress(_to: ChatAddress, progress: Progress | null): void {
    if (progress !== null && progress.text !== '') this.#textAt(preciseNow())
  }

  #textAt(at: number): void {
    this.#onText?.(at)
    this.#onText = null
  }
}
