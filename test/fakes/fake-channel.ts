import { choicePart, choicesInWords, readChoicePart } from '../../src/domain/choice-part.ts'
import { ChannelRefusedError, ChannelUnreachableError } from '../../src/domain/errors.ts'
import { fileFreeText, filePart, readFilePart } from '../../src/domain/file-part.ts'
import type { UnixMs } from '../../src/domain/ids.ts'
import { userId } from '../../src/domain/ids.ts'
import type { ChatAddress, ChatFile, InboundMessage, Progress } from '../../src/domain/message.ts'
import type {
  Accepted,
  Channel,
  ChannelCapabilities,
  ChatReactions,
  Choice,
  DeliveryPart,
} from '../../src/domain/ports/channel.ts'
import { FakeCards } from './fake-cards.ts'
import { FakeNotes } from './fake-notes.ts'

export interface SentPart {
  readonly to: ChatAddress
  readonly part: DeliveryPart
  readonly key: string
  readonly id: string
}

export interface FakeChannelScript {
  readonly name?: string
  readonly account?: string
  readonly capabilities?: Partial<ChannelCapabilities>
  /** Whether its messages can be changed. */
  readonly notes?: boolean
  /** Whether it has buttons. */
  readonly cards?: boolean
  /** Emoji that it takes; no reactions without. */
  readonly emoji?: readonly string[]
  /** Longest part that `render` makes, in UTF-16 units. */
  readonly partLimit?: number
  /** Most parts of a text; a longer one is its beginning and a file. */
  readonly mostParts?: number
}

/**
 * A channel in memory. Strict: a second `receive` while one runs, a second `send` at once to one chat, a part
 * that `render` cannot have made, or an answer from `accept` that is no answer throw an Error that names the rule.
 */
export class FakeChannel implements Channel {
  readonly name: string
  readonly account: string
  readonly capabilities: ChannelCapabilities
  readonly sent: SentPart[] = []
  readonly progress: { to: ChatAddress; progress: Progress | null }[] = []
  /** Texts that `accept` took, in order. */
  readonly acknowledged: string[] = []
  /** What `accept` threw, in order. */
  readonly acceptErrors: unknown[] = []
  /** Each `send` takes the next: an error to throw, or null to succeed. Empty = succeed. */
  readonly sendScript: (Error | null)[] = []
  /** What `fetchFile` gives, by reference. */
  readonly platformFiles = new Map<string, Uint8Array>()
  /** Each `fetchFile` takes the next: an error to throw, or something to wait for. */
  readonly fetchScript: (Error | Promise<void>)[] = []
  /** When set, `send` waits for it after its strict checks, so that a test can act in the middle. */
  sendGate: Promise<void> | (() => Promise<void>) | undefined
  /** The platform is down: nothing is sent, and `check` says so. */
  down = false
  /** Every call that `send` and `check` got, answered or not. */
  calls = 0
  /** The most sends at once so far; may be set back. */
  mostAtOnce = 0
  /** Chats that refuse every message. */
  readonly refusedChats = new Set<string>()

  readonly notes: FakeNotes | undefined
  readonly cards: FakeCards | undefined
  readonly reactions: ChatReactions | undefined
  /** What stands below messages of people, by their id. */
  readonly reacted = new Map<string, string>()
  readonly #partLimit: number
  readonly #mostParts: number
  readonly #queue: InboundMessage[] = []
  readonly #sending = new Set<string>()
  readonly #idByKey = new Map<string, string>()
  #wake: () => void = () => undefined
  #receiving = false
  #lastId = 0

  constructor(script: FakeChannelScript = {}) {
    this.name = script.name ?? 'fake'
    this.account = script.account ?? 'main'
    this.capabilities = { idempotentSend: false, threads: true, ...script.capabilities }
    this.notes = script.notes ? new FakeNotes(this) : undefined
    this.cards = script.cards ? new FakeCards(this) : undefined
    this.reactions = script.emoji && this.#reactions(script.emoji)
    this.#partLimit = script.partLimit ?? 1000
    this.#mostParts = script.mostParts ?? 10
  }

  /** An address on this channel. */
  address(chat = 'room', thread?: string): ChatAddress {
    const address = { channel: this.name, account: this.account, chat }
    return thread === undefined ? address : { ...address, thread }
  }

  /** A person writes; kept until `accept` has taken it. Returns the message as it will be handed over. */
  say(text: string, part: Partial<InboundMessage> = {}): InboundMessage {
    this.#lastId += 1
    const message: InboundMessage = {
      address: this.address(),
      chatKind: 'group',
      chatTitle: 'Room',
      platformMessageId: `in-${this.#lastId}`,
      sender: { id: userId(this.name, 'alice'), name: 'Alice', isBot: false },
      text,
      sentAt: (1_700_000_000_000 + this.#lastId) as UnixMs,
      mentionsUs: false,
      ...part,
    }
    this.redeliver(message)
    return message
  }

  /** The platform hands a message over once more, as platforms do. */
  redeliver(message: InboundMessage): void {
    this.#queue.push(message)
    this.#wake()
  }

  async receive(accept: (message: InboundMessage) => Accepted, signal: AbortSignal): Promise<void> {
    if (this.#receiving) throw new Error('FakeChannel: receive runs already')
    this.#receiving = true
    const onAbort = (): void => this.#wake()
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted) {
        this.#handOver(accept, signal)
        if (signal.aborted) break
        await this.#nextMessage()
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#receiving = false
    }
  }

  render(markdown: string): readonly DeliveryPart[] {
    const text = markdown.trim() === '' ? '(empty message)' : fileFreeText(markdown)
    const parts: string[] = []
    for (let rest = text; rest !== ''; ) {
      const space = rest.lastIndexOf(' ', this.#partLimit)
      const end = rest.length <= this.#partLimit || space <= 0 ? this.#partLimit : space
      parts.push(rest.slice(0, end))
      rest = rest.slice(end)
    }
    return parts
  }

  beginningOf(markdown: string): DeliveryPart | null {
    const parts = this.render(markdown)
    return parts.length > this.#mostParts ? (parts[0] ?? null) : null
  }

  renderChoices(markdown: string, choices: readonly Choice[]): readonly DeliveryPart[] {
    if (!this.cards) return this.render(choicesInWords(markdown, choices))
    const parts = this.render(markdown)
    return [...parts.slice(0, -1), choicePart(parts.at(-1) ?? '', choices)]
  }

  /** Somebody presses a button of the newest message with buttons in a chat. */
  press(label: string, part: Partial<InboundMessage> = {}): InboundMessage {
    const asked = this.sent.map((sent) => readChoicePart(sent.part)).findLast((one) => one !== null)
    const choice = asked?.choices.find((one) => one.label === label)
    if (!choice) throw new Error(`FakeChannel: no button ${label}`)
    return this.say(choice.say, { mentionsUs: true, ...part })
  }

  renderFile(file: ChatFile, caption: string): readonly DeliveryPart[] {
    return [filePart(file, caption)]
  }

  async fetchFile(
    source: string,
    _bytes: number | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const script = this.fetchScript.shift()
    if (script instanceof Error) throw script
    if (script !== undefined) {
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      await Promise.race([script, stopped])
      signal.throwIfAborted()
    }
    const bytes = this.platformFiles.get(source)
    if (bytes === undefined) throw new ChannelRefusedError('the platform has no such file')
    return (async function* () {
      yield bytes
    })()
  }

  async send(to: ChatAddress, part: DeliveryPart, key: string, signal: AbortSignal): Promise<string> {
    const chat = `${to.account}/${to.chat}`
    if (to.channel !== this.name || to.account !== this.account) {
      throw new Error(`FakeChannel: ${to.channel}/${to.account} is another channel or account`)
    }
    if (this.#sending.has(chat)) throw new Error(`FakeChannel: two sends at once to ${chat}`)
    const isPlain = readFilePart(part) === null && readChoicePart(part) === null
    if (part === '' || (part.length > this.#partLimit && isPlain)) {
      throw new Error(`FakeChannel: a part of ${part.length} characters was not made by render`)
    }
    if (key === '') throw new Error('FakeChannel: a delivery key must not be empty')
    signal.throwIfAborted()
    this.#sending.add(chat)
    this.calls += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#sending.size)
    try {
      await (typeof this.sendGate === 'function' ? this.sendGate() : this.sendGate)
      if (this.down) throw new ChannelUnreachableError('the platform is down', { ambiguous: false })
      const failure = this.sendScript.shift()
      if (failure instanceof Error) throw failure
      if (this.refusedChats.has(to.chat)) throw new ChannelRefusedError('chat not found')
      return this.#show(to, part, key)
    } finally {
      this.#sending.delete(chat)
    }
  }

  async check(): Promise<void> {
    this.calls += 1
    if (this.down) throw new ChannelUnreachableError('the platform is down', { ambiguous: false })
  }

  showProgress(to: ChatAddress, progress: Progress | null): void {
    this.progress.push({ to, progress })
  }

  /** The parts that one chat shows, oldest first. */
  shown(to: ChatAddress): readonly string[] {
    return this.sent
      .filter((sent) => sent.to.chat === to.chat && sent.to.thread === to.thread)
      .map((sent) => sent.part)
  }

  #reactions(examples: readonly string[]): ChatReactions {
    return {
      examples,
      takes: (emoji) => examples.includes(emoji),
      react: async (_to, id, emoji, signal) => {
        signal.throwIfAborted()
        if (this.down) throw new ChannelUnreachableError('the platform is down', { ambiguous: false })
        this.reacted.set(id, emoji)
      },
    }
  }

  #show(to: ChatAddress, part: DeliveryPart, key: string): string {
    const known = this.capabilities.idempotentSend ? this.#idByKey.get(key) : undefined
    if (known !== undefined) return known
    this.#lastId += 1
    const id = `out-${this.#lastId}`
    this.#idByKey.set(key, id)
    this.sent.push({ to, part, key, id })
    return id
  }

  #handOver(accept: (message: InboundMessage) => Accepted, signal: AbortSignal): void {
    for (let message = this.#queue[0]; message !== undefined && !signal.aborted; message = this.#queue[0]) {
      let accepted: Accepted
      try {
        accepted = accept(message)
      } catch (error) {
        // Not kept: it stays at the head and the next round hands it over again, as the port demands.
        this.acceptErrors.push(error)
        setImmediate(() => this.#wake())
        return
      }
      if (accepted !== 'new' && accepted !== 'duplicate')
        throw new Error('FakeChannel: accept gave no answer')
      this.#queue.shift()
      this.acknowledged.push(message.text)
    }
  }

  #nextMessage(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
