import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MAX_TEXT } from '@creel/protocol'
import { createAdaptorServer } from '@hono/node-server'
import { choicePart, readChoicePart } from '../../../domain/choice-part.ts'
import { isEmoji, SOME_EMOJI } from '../../../domain/emoji.ts'
import { ChannelRefusedError, CreelError } from '../../../domain/errors.ts'
import { fileFreeText, filePart, readablePart, readFilePart } from '../../../domain/file-part.ts'
import type { ChatAddress, ChatFile, InboundMessage, Progress } from '../../../domain/message.ts'
import type {
  Accepted,
  Channel,
  ChatCards,
  ChatReactions,
  Choice,
  DeliveryPart,
  OwnChatStore,
} from '../../../domain/ports/channel.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import type { FileStore } from '../../../domain/ports/files.ts'
import type { WebLogins } from '../../../domain/ports/web-logins.ts'
import { type AllowedSites, allowedSites, parsePublicUrl } from './allowed-sites.ts'
import { createApp } from './app.ts'
import { WEB_ACCOUNT, WEB_CHANNEL, type WebGroup, type WebMemory } from './app-context.ts'
import { ChatHub } from './chat-hub.ts'
import { listenError } from './listen-error.ts'
import { createMarkdownRenderer } from './markdown.ts'
import { Uploads } from './uploads.ts'

export interface WebChannelOptions {
  readonly host: string
  /** 0 takes a free one; `address` says which. */
  readonly port: number
  /** `web.public_url`; empty when people use host and port. */
  readonly publicUrl: string
  readonly logins: WebLogins
  /** Lines of this channel alone. */
  readonly chats: OwnChatStore
  readonly files: Pick<FileStore, 'add' | 'path'>
  readonly maxFileBytes: number
  readonly memory: WebMemory
  readonly clock: Clock
  /** Agents to show, in order; called for every request, so it must be quick. */
  readonly groups: () => readonly WebGroup[]
  /** Called for what a person running Creel should find in the log. */
  readonly onFault: (what: string, error: unknown) => void
  readonly heartbeatMs?: number
}

/** 50 MB over a slow line. */
const REQUEST_MS = 300_000

type Accept = (message: InboundMessage) => Accepted

/**
 * The built-in web chat: one chat for each agent. Its platform is Creel itself, so a sent line is a stored line;
 * pages that are open see it at once, others when they come back.
 */
export class WebChannel implements Channel, AsyncDisposable {
  readonly name = WEB_CHANNEL
  readonly account = WEB_ACCOUNT
  readonly capabilities = { idempotentSend: true, threads: false, confirmsSend: true }
  readonly cards: ChatCards = { settle: async (to, id, markdown) => this.#settle(to, id, markdown) }
  readonly reactions: ChatReactions = {
    examples: SOME_EMOJI,
    takes: isEmoji,
    react: async (to, id, emoji) => this.#react(to, id, emoji),
  }
  readonly #options: WebChannelOptions
  readonly #hub: ChatHub
  readonly #server: Server
  #sites: AllowedSites | null = null
  #accept: Accept | null = null
  #heartbeat: NodeJS.Timeout | undefined
  #closed: Promise<void> | null = null

  /** Opens nothing yet. Throws a ConfigError for a bad public address. */
  constructor(options: WebChannelOptions) {
    if (options.publicUrl !== '') parsePublicUrl(options.publicUrl)
    this.#options = options
    const { clock, logins, chats, files, maxFileBytes, memory, groups, onFault } = options
    const render = createMarkdownRenderer()
    this.#hub = new ChatHub({ clock, render })
    const sites = (): AllowedSites => this.#listening()
    const handOver: Accept = (message) => this.#handOver(message)
    const app = createApp({
      ...{ clock, logins, chats, files, maxFileBytes, memory, render, groups, sites, handOver, onFault },
      hub: this.#hub,
      uploads: new Uploads(),
    })
    this.#server = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
      serverOptions: { headersTimeout: 10_000, requestTimeout: REQUEST_MS, maxHeaderSize: 16_384 },
    }) as Server
    this.#server.maxConnections = 1_000
  }

  /** Opens the port. Messages are refused (and tried again by the page) until `receive` runs. */
  async listen(): Promise<void> {
    const { host, port, publicUrl } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, host, port)))
      this.#server.listen(port, host, resolve)
    })
    this.#server.on('error', (error) => this.#options.onFault('web server', error))
    this.#sites = allowedSites(host, this.address.port, publicUrl)
    this.#heartbeat = setInterval(() => this.#beat(), this.#options.heartbeatMs ?? 15_000)
    this.#heartbeat.unref()
  }

  /** Where the server listens. Throws before `listen`. */
  get address(): AddressInfo {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the web chat does not listen yet')
    return address
  }

  /** Address of the page as a person types it. */
  get url(): string {
    return this.#listening().publicOrigin
  }

  /** Makes a one-time login link. It is a secret: show it to the owner, never log it. */
  createLoginLink(): string {
    return `${this.url}/login?token=${this.#options.logins.createLink(this.#options.clock.now())}`
  }

  async receive(accept: Accept, signal: AbortSignal): Promise<void> {
    if (this.#accept !== null) throw new Error('the web chat receives already')
    this.#accept = accept
    try {
      if (signal.aborted) return
      if (!this.#server.listening) await this.listen()
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
    } finally {
      this.#accept = null
      await this.close()
    }
  }

  /** Never splits: a page has no limit beyond that of one outbox entry. */
  render(markdown: string): readonly DeliveryPart[] {
    if (markdown.trim() === '') return ['(empty message)']
    return [fileFreeText(markdown).slice(0, MAX_TEXT)]
  }

  renderChoices(markdown: string, choices: readonly Choice[]): readonly DeliveryPart[] {
    const [text = ''] = this.render(markdown)
    return [choicePart(text, choices)]
  }

  textOf(part: DeliveryPart): string {
    return readablePart(part)
  }

  renderFile(file: ChatFile, caption: string): readonly DeliveryPart[] {
    return [filePart(file, caption)]
  }

  /** What a page sends is in the store before its message is handed over. */
  async fetchFile(): Promise<never> {
    throw new ChannelRefusedError('this channel has no files of its own')
  }

  async send(to: ChatAddress, part: DeliveryPart, key: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    checkAddress(to)
    const { chats, clock } = this.#options
    const sent = readFilePart(part)
    const asked = readChoicePart(part)
    const text = asked?.text ?? sent?.caption ?? part
    const files = sent === null ? [] : [sent.file]
    const line = chats.append(to.chat, 'agent', text, `out:${key}`, clock.now(), files, asked?.choices)
    this.#hub.line(to.chat, line)
    return String(line.id)
  }

  showProgress(to: ChatAddress, progress: Progress | null): void {
    this.#hub.progress(to.chat, progress)
  }

  /** Closes pages and port. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      clearInterval(this.#heartbeat)
      this.#hub.close()
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #settle(to: ChatAddress, id: string, markdown: string): void {
    checkAddress(to)
    const [text = ''] = this.render(markdown)
    const line = this.#options.chats.settle(to.chat, Number(id), text)
    if (line === null) throw new ChannelRefusedError('this line is not there any more')
    this.#hub.change(to.chat, line)
  }

  #react(to: ChatAddress, id: string, emoji: string): void {
    checkAddress(to)
    const line = isEmoji(emoji) ? this.#options.chats.react(to.chat, `in:${id}`, emoji) : null
    if (line === null) throw new ChannelRefusedError('this line takes no such reaction')
    this.#hub.change(to.chat, line)
  }

  #handOver(message: InboundMessage): Accepted {
    if (this.#accept === null) throw new CreelError('unavailable', 'Creel is starting or stopping')
    return this.#accept(message)
  }

  #beat(): void {
    const { logins, clock } = this.#options
    this.#hub.beat((session) => logins.session(session, clock.now()) !== null)
  }

  #listening(): AllowedSites {
    if (this.#sites === null) throw new Error('the web chat does not listen yet')
    return this.#sites
  }
}

function checkAddress(to: ChatAddress): void {
  if (to.channel === WEB_CHANNEL && to.account === WEB_ACCOUNT) return
  throw new ChannelRefusedError('this address belongs to another channel')
}
