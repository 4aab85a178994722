import { Api } from 'grammy'
import type { Update, UserFromGetMe } from 'grammy/types'
import { ChannelUnreachableError, errorText } from '../../../domain/errors.ts'
import type { UnixMs } from '../../../domain/ids.ts'
import type { ChatAddress, ChatFile, Progress } from '../../../domain/message.ts'
import type {
  Accept,
  Channel,
  ChannelCapabilities,
  Choice,
  DeliveryPart,
  LinkButton,
} from '../../../domain/ports/channel.ts'
import { apiFailure, failureText, isTokenRefused } from './api-failure.ts'
import { type MenuCommand, offerCommands } from './command-menu.ts'
import { type Converted, convertUpdate } from './convert-message.ts'
import { convertPress } from './convert-press.ts'
import { type FilePlace, fetchFile } from './fetch-file.ts'
import { UpdatePoller } from './poll-updates.ts'
import { renderChoices, renderLinks } from './render-choices.ts'
import { readFilePart, renderFile } from './render-file.ts'
import { beginningOf, readPart, renderParts } from './render-parts.ts'
import { sendPart } from './send-part.ts'
import { TelegramCards } from './telegram-cards.ts'
import type { TelegramLog } from './telegram-log.ts'
import { TelegramNotes } from './telegram-notes.ts'
import { TelegramReactions } from './telegram-reactions.ts'
import { TypingIndicator } from './typing-indicator.ts'

const DEFAULT_API_ROOT = 'https://api.telegram.org'
/** Longer than a long poll. */
const REQUEST_TIMEOUT_S = 45
const UPLOAD_TIMEOUT_S = 1_200
const TYPING_TIMEOUT_MS = 10_000

export interface TelegramOptions {
  readonly account: string
  readonly token: string
  /** A self-hosted Bot API server; empty = Telegram's own. */
  readonly apiRoot?: string
  readonly log: TelegramLog
  /** A group became a supergroup and has a new id. May be told more than once. */
  readonly onChatMigrated?: (fromChat: string, toChat: string) => void
  /** What Telegram's own menu offers. */
  readonly commands?: readonly MenuCommand[]
  /** Where the files lie that are sent; null for one that is gone. */
  readonly pathOf: (sha256: string) => string | null
  /** Waits after failures of the poll. Default: 1 s, doubled up to 30 s. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number }
}

/** One Telegram bot as a channel. The token goes into request addresses only, never into an error or the log. */
export class TelegramChannel implements Channel {
  readonly name = 'telegram'
  readonly account: string
  readonly capabilities: ChannelCapabilities = { idempotentSend: false, threads: true }
  readonly notes: TelegramNotes
  readonly cards: TelegramCards
  readonly reactions: TelegramReactions
  readonly #api: Api
  readonly #uploads: Api
  readonly #filePlace: FilePlace
  readonly #pathOf: (sha256: string) => string | null
  readonly #log: TelegramLog
  readonly #poller: UpdatePoller
  readonly #typing: TypingIndicator
  readonly #commands: readonly MenuCommand[]
  readonly #onChatMigrated: (fromChat: string, toChat: string) => void

  constructor(options: TelegramOptions) {
    this.account = options.account
    this.#log = options.log
    const apiRoot = (options.apiRoot || DEFAULT_API_ROOT).replace(/\/+$/, '')
    const settings = { apiRoot, sensitiveLogs: false }
    this.#api = new Api(options.token, { ...settings, timeoutSeconds: REQUEST_TIMEOUT_S })
    // How long a send may take is decided by whoever sends; a large file needs minutes.
    this.#uploads = new Api(options.token, { ...settings, timeoutSeconds: UPLOAD_TIMEOUT_S })
    const isCloud = apiRoot === DEFAULT_API_ROOT
    this.#filePlace = { api: this.#api, apiRoot, token: options.token, isCloud }
    this.#pathOf = options.pathOf
    this.notes = new TelegramNotes(this.#api)
    this.cards = new TelegramCards(this.#api)
    this.reactions = new TelegramReactions(this.#api)
    this.#commands = options.commands ?? []
    const backoff = options.backoff ?? { minMs: 1_000, maxMs: 30_000 }
    this.#poller = new UpdatePoller({ api: this.#api, log: options.log, backoff })
    this.#typing = new TypingIndicator((to) => this.#sendTyping(to))
    this.#onChatMigrated = options.onChatMigrated ?? (() => undefined)
  }

  async receive(accept: Accept, signal: AbortSignal): Promise<void> {
    try {
      const me = await this.#poller.identify(signal)
      if (me === undefined) return
      this.#log.info({ account: this.account, bot: me.username }, 'telegram connected')
      void offerCommands(this.#api, this.#commands, this.#log, signal)
      const kept = ({ callback_query: press }: Update) => void (press && this.#answerPress(press.id))
      await this.#poller.run((update) => this.#take(update, me, accept), signal, accept.together, kept)
    } finally {
      this.#typing.stop()
    }
  }

  render(markdown: string): readonly DeliveryPart[] {
    return renderParts(markdown)
  }

  beginningOf(markdown: string): DeliveryPart | null {
    return beginningOf(markdown)
  }

  renderChoices(markdown: string, choices: readonly Choice[]): readonly DeliveryPart[] {
    return renderChoices(markdown, choices)
  }

  renderLinks(markdown: string, links: readonly LinkButton[]): readonly DeliveryPart[] {
    return renderLinks(markdown, links)
  }

  textOf(part: DeliveryPart): string {
    return textOfPart(part)
  }

  renderFile(file: ChatFile, caption: string): readonly DeliveryPart[] {
    return renderFile(file, caption)
  }

  async fetchFile(
    source: string,
    bytes: number | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    return await fetchFile(this.#filePlace, source, bytes, signal)
  }

  async send(to: ChatAddress, part: DeliveryPart, _key: string, signal: AbortSignal): Promise<string> {
    return await sendPart(this.#uploads, to, part, signal, {
      onMigrated: (from, toChat) => this.#migrated(from, toChat),
      pathOf: this.#pathOf,
    })
  }

  async check(signal: AbortSignal): Promise<void> {
    try {
      await this.#api.getMe(signal as Parameters<Api['getMe']>[0])
    } catch (error) {
      const failure = apiFailure(error)
      const answers = failure.kind === 'answered' && failure.status < 500 && !isTokenRefused(failure)
      if (answers || failure.kind === 'wait') return
      throw new ChannelUnreachableError(failureText(failure), { ambiguous: false })
    }
  }

  showProgress(to: ChatAddress, progress: Progress | null): void {
    if (progress === null) this.#typing.hide(to)
    else if (/^-?\d{1,16}$/.test(to.chat)) this.#typing.show(to)
  }

  #take(update: Update, me: UserFromGetMe, accept: Accept): void {
    const converted = this.#convert(update, me)
    if (converted.type === 'message') accept(converted.message)
    else if (converted.type === 'migrated') this.#migrated(converted.from, converted.to)
    else this.#log.debug({ update: update.update_id, reason: converted.reason }, 'update ignored')
  }

  /** Ends the waiting sign on the button: what was pressed is on disk, or nothing of ours. */
  async #answerPress(id: string): Promise<void> {
    try {
      const signal = AbortSignal.timeout(TYPING_TIMEOUT_MS) as Parameters<Api['answerCallbackQuery']>[2]
      await this.#api.answerCallbackQuery(id, {}, signal)
    } catch (error) {
      this.#log.debug({ reason: failureText(apiFailure(error)) }, 'press not answered')
    }
  }

  /** An update that cannot be read must not hold up all that come after it. */
  #convert(update: Update, me: UserFromGetMe): Converted {
    try {
      const { callback_query: press } = update
      if (press === undefined) return convertUpdate(update, me, this.account)
      const message = convertPress(press, this.account, Date.now() as UnixMs)
      return message ? { type: 'message', message } : { type: 'ignored', reason: 'no button of ours' }
    } catch (error) {
      this.#log.error({ update: update.update_id, error: errorText(error) }, 'update could not be read')
      return { type: 'ignored', reason: 'unreadable' }
    }
  }

  #migrated(from: string, to: string): void {
    this.#log.warn({ account: this.account, from, to }, 'group became a supergroup and has a new chat id')
    this.#onChatMigrated(from, to)
  }

  async #sendTyping(to: ChatAddress): Promise<void> {
    try {
      const thread = to.thread === undefined ? {} : { message_thread_id: Number(to.thread) }
      const signal = AbortSignal.timeout(TYPING_TIMEOUT_MS) as Parameters<Api['sendChatAction']>[3]
      await this.#api.sendChatAction(to.chat, 'typing', thread, signal)
    } catch (error) {
      this.#log.debug({ reason: failureText(apiFailure(error)) }, 'typing not shown')
    }
  }
}

/** A part of an older Creel may have another form. */
function textOfPart(part: DeliveryPart): string {
  try {
    const file = readFilePart(part)
    return file === null ? readPart(part).text : (file.caption?.text ?? `[file ${file.file.name}]`)
  } catch (error) {
    if (error instanceof Error) return '(not readable)'
    throw error
  }
}
