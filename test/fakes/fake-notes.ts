import { ChannelRefusedError } from '../../src/domain/errors.ts'
import type { ChatAddress } from '../../src/domain/message.ts'
import type { ChatNotes } from '../../src/domain/ports/channel.ts'

/** The part of a fake channel that its notes stand in. */
interface Platform {
  readonly sent: { to: ChatAddress; part: string; key: string; id: string }[]
  readonly refusedChats: ReadonlySet<string>
}

/** Notes in memory, among what the channel sent. Strict: two calls at once for one chat throw. */
export class FakeNotes implements ChatNotes {
  /** What was asked of the platform, such as `post Working … 10 s`. */
  readonly calls: string[] = []
  /** Each call takes the next: an error to throw, or null to succeed. Empty = succeed. */
  readonly script: (Error | null)[] = []
  /** When set, calls wait for it before anything is shown. */
  gate: Promise<void> | undefined
  readonly #platform: Platform
  readonly #busy = new Set<string>()
  #lastId = 0

  constructor(platform: Platform) {
    this.#platform = platform
  }

  post(to: ChatAddress, text: string, signal: AbortSignal): Promise<string> {
    return this.#call(to, `post ${text}`, signal, () => {
      if (text.trim() === '') throw new ChannelRefusedError('empty')
      this.#lastId += 1
      const id = `note-${this.#lastId}`
      this.#platform.sent.push({ to, part: text, key: id, id })
      return id
    })
  }

  edit(to: ChatAddress, id: string, text: string, signal: AbortSignal): Promise<void> {
    return this.#call(to, `edit ${text}`, signal, () => {
      const at = this.#find(to, id)
      const before = this.#platform.sent[at]
      if (!before) throw new ChannelRefusedError('message to edit not found')
      this.#platform.sent[at] = { ...before, part: text }
    })
  }

  remove(to: ChatAddress, id: string, signal: AbortSignal): Promise<void> {
    return this.#call(to, `remove ${id}`, signal, () => {
      const at = this.#find(to, id)
      if (at >= 0) this.#platform.sent.splice(at, 1)
    })
  }

  #find(to: ChatAddress, id: string): number {
    return this.#platform.sent.findIndex((sent) => sent.id === id && sent.to.chat === to.chat)
  }

  async #call<T>(to: ChatAddress, what: string, signal: AbortSignal, carryOut: () => T): Promise<T> {
    const chat = `${to.account}/${to.chat}/${to.thread ?? ''}`
    if (this.#busy.has(chat)) throw new Error(`FakeNotes: two calls at once for ${chat}`)
    signal.throwIfAborted()
    this.#busy.add(chat)
    try {
      this.calls.push(what)
      await this.gate
      const failure = this.script.shift()
      if (failure) throw failure
      if (this.#platform.refusedChats.has(to.chat)) throw new ChannelRefusedError('chat not found')
      return carryOut()
    } finally {
      this.#busy.delete(chat)
    }
  }
}
