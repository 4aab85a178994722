import { ChannelRefusedError } from '../../src/domain/errors.ts'
import type { ChatAddress } from '../../src/domain/message.ts'
import type { ChatCards } from '../../src/domain/ports/channel.ts'

/** The part of a fake channel that its cards stand in. */
interface Platform {
  readonly sent: { to: ChatAddress; part: string; key: string; id: string }[]
  render(markdown: string): readonly string[]
}

/** Cards in memory, among what the channel sent. */
export class FakeCards implements ChatCards {
  /** Each call takes the next: an error to throw, or null to succeed. Empty = succeed. */
  readonly script: (Error | null)[] = []
  readonly #platform: Platform

  constructor(platform: Platform) {
    this.#platform = platform
  }

  async settle(to: ChatAddress, id: string, markdown: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const failure = this.script.shift()
    if (failure) throw failure
    const at = this.#platform.sent.findIndex((sent) => sent.id === id && sent.to.chat === to.chat)
    const before = this.#platform.sent[at]
    if (!before) throw new ChannelRefusedError('message to edit not found')
    this.#platform.sent[at] = { ...before, part: this.#platform.render(markdown)[0] ?? '' }
  }
}
