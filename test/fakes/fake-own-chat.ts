import type { UnixMs } from '../../src/domain/ids.ts'
import type { ChatFile } from '../../src/domain/message.ts'
import type { Choice, OwnChatLine, OwnChatStore } from '../../src/domain/ports/channel.ts'

/** Lines in memory. Strict: an empty chat, an empty key or a senseless limit throws. */
export class FakeOwnChat implements OwnChatStore {
  /** When set, `append` throws it: a full disk. */
  failure: Error | undefined
  readonly #lines: { chat: string; key: string; line: OwnChatLine }[] = []

  append(
    chat: string,
    author: OwnChatLine['author'],
    text: string,
    key: string,
    at: UnixMs,
    files: readonly ChatFile[] = [],
    choices: readonly Choice[] = [],
  ): OwnChatLine {
    if (chat === '' || key === '') throw new Error('FakeOwnChat: chat and key must not be empty')
    if (this.failure !== undefined) throw this.failure
    const known = this.#lines.find((entry) => entry.chat === chat && entry.key === key)
    if (known !== undefined) return known.line
    const line = {
      ...{ id: this.#lines.length + 1, author, text, at },
      ...(files.length === 0 ? {} : { files }),
      ...(choices.length === 0 ? {} : { choices }),
    }
    this.#lines.push({ chat, key, line })
    return line
  }

  settle(chat: string, id: number, text: string): OwnChatLine | null {
    const entry = this.#lines.find((one) => one.chat === chat && one.line.id === id)
    if (entry?.line.author !== 'agent') return null
    const { choices: _, ...line } = entry.line
    entry.line = { ...line, text, changed: true }
    return entry.line
  }

  react(chat: string, key: string, emoji: string): OwnChatLine | null {
    const entry = this.#lines.find((one) => one.chat === chat && one.key === key)
    if (entry?.line.author !== 'user') return null
    entry.line = { ...entry.line, reaction: emoji, changed: true }
    return entry.line
  }

  lines(chat: string, afterId: number, limit: number): readonly OwnChatLine[] {
    if (!Number.isSafeInteger(afterId) || !Number.isSafeInteger(limit) || afterId < 0 || limit < 1) {
      throw new Error(`FakeOwnChat: lines after ${afterId}, at most ${limit}`)
    }
    const later = this.#lines.filter((entry) => entry.chat === chat && entry.line.id > afterId)
    return later.slice(-limit).map((entry) => entry.line)
  }

  line(chat: string, id: number): OwnChatLine | null {
    return this.#lines.find((entry) => entry.chat === chat && entry.line.id === id)?.line ?? null
  }
}
