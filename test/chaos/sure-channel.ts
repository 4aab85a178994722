import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChannelRefusedError,
  ChannelUnreachableError,
  errorText,
  RetryAfterError,
} from '../../src/domain/errors.ts'
import type { UnixMs, UserId } from '../../src/domain/ids.ts'
import type { ChatAddress, ChatFile, InboundMessage } from '../../src/domain/message.ts'
import type { Accepted, Channel } from '../../src/domain/ports/channel.ts'
import { textOf, type Update } from './platform.ts'

/** The channel of a platform that knows a message by its key: nothing may ever be shown twice there. */
export class SureChannel implements Channel {
  readonly name = 'sure'
  readonly account = 'main'
  readonly capabilities = { idempotentSend: true, threads: false }
  readonly #url: string

  constructor(worldUrl: string) {
    this.#url = `${worldUrl}/sure`
  }

  async receive(accept: (message: InboundMessage) => Accepted, signal: AbortSignal): Promise<void> {
    let offset = 0
    while (!signal.aborted) {
      try {
        const { updates } = (await this.#call('updates', { offset }, signal)) as { updates: Update[] }
        for (const update of updates) {
          accept(messageOf(update))
          offset = Math.max(offset, update.id + 1)
        }
      } catch {
        // The network, or a message that was not kept: asked again from the same place.
        await sleep(50)
      }
    }
  }

  render(markdown: string): readonly string[] {
    return [markdown]
  }

  renderChoices(markdown: string): readonly string[] {
    return [markdown]
  }

  renderFile({ name }: ChatFile, caption: string): readonly string[] {
    return [caption || name]
  }

  async fetchFile(): Promise<never> {
    throw new ChannelRefusedError('nobody sends files here')
  }

  async send(to: ChatAddress, part: string, key: string, signal: AbortSignal): Promise<string> {
    const { id } = (await this.#call('send', { chat: to.chat, text: part, key }, signal)) as { id: number }
    return String(id)
  }

  showProgress(): void {
    return
  }

  async #call(method: string, body: object, signal: AbortSignal): Promise<unknown> {
    let response: Response
    try {
      response = await fetch(`${this.#url}/${method}`, { method: 'POST', body: JSON.stringify(body), signal })
    } catch (error) {
      throw new ChannelUnreachableError(errorText(error), { ambiguous: true })
    }
    if (response.status === 429) throw new RetryAfterError(1_000)
    if (!response.ok) throw new ChannelUnreachableError(`answered ${response.status}`, { ambiguous: true })
    return await response.json()
  }
}

function messageOf(update: Update): InboundMessage {
  const { chat, n, at } = update
  return {
    address: { channel: 'sure', account: 'main', chat: String(chat) },
    chatKind: 'private',
    chatTitle: `chat ${chat}`,
    platformMessageId: String(n),
    sender: { id: `sure:${chat}` as UserId, name: 'Ada', isBot: false },
    text: textOf(update),
    sentAt: at as UnixMs,
    mentionsUs: true,
  }
}
