import { MAX_TEXT } from '@creel/protocol'
import { choicesInWords } from '../../../domain/choice-part.ts'
import { isEmoji, SOME_EMOJI } from '../../../domain/emoji.ts'
import { ChannelRefusedError, CreelError } from '../../../domain/errors.ts'
import { fileFreeText, filePart, readablePart, readFilePart } from '../../../domain/file-part.ts'
import type { GroupName, UserId } from '../../../domain/ids.ts'
import {
  type ChatAddress,
  type ChatFile,
  chatFiles,
  type InboundFile,
  type InboundMessage,
  type Progress,
} from '../../../domain/message.ts'
import type {
  Accepted,
  Channel,
  ChatReactions,
  Choice,
  DeliveryPart,
  OwnChatLine,
  OwnChatStore,
} from '../../../domain/ports/channel.ts'
import type { Clock } from '../../../domain/ports/clock.ts'

const CHANNEL = 'terminal'
const ACCOUNT = 'main'
/** Lines of earlier talk that a new watcher gets at most. */
const MAX_HISTORY = 200

type Accept = (message: InboundMessage) => Accepted

/** One terminal that is open right now; one whose functions throw is dropped. */
interface Watcher {
  readonly group: GroupName
  /** Newest line it was told: a line sent again is not shown again. */
  lastId: number
  readonly onLine: (line: OwnChatLine) => void
  readonly onProgress: (progress: Progress | null) => void
}

/**
 * Chats from the command line: one for each agent. The platform is Creel's own control socket, whose server calls
 * `post` and `subscribe`. Texts are handed on as the agent wrote them; whoever prints them uses `terminalText`.
 */
export class TerminalChannel implements Channel {
  readonly name = CHANNEL
  readonly account = ACCOUNT
  readonly capabilities = { idempotentSend: true, threads: false, confirmsSend: true }
  /** A line of its own: what was printed stays. */
  readonly reactions: ChatReactions = {
    examples: SOME_EMOJI,
    takes: isEmoji,
    react: async (to, id, emoji) => this.#react(to, id, emoji),
  }
  readonly #chats: OwnChatStore
  readonly #clock: Clock
  readonly #onFault: (what: string, error: unknown) => void
  readonly #watchers = new Set<Watcher>()
  #accept: Accept | null = null

  /** `chats` holds the lines of this channel alone; `onFault` takes what belongs into the log. */
  constructor(parts: {
    chats: OwnChatStore
    clock: Clock
    onFault: (what: string, error: unknown) => void
  }) {
    this.#chats = parts.chats
    this.#clock = parts.clock
    this.#onFault = parts.onFault
  }

  /**
   * Takes one line from a person and returns when it is on disk. The same `id` again is a duplicate, so a caller
   * that got no answer repeats the call. `user` is `terminal:<os user>`. Throws CreelError `unavailable` while
   * nothing receives, and whatever `accept` threw: nothing was kept then.
   */
  post(
    group: GroupName,
    text: string,
    id: string,
    user: UserId,
    files: readonly InboundFile[] = [],
  ): Accepted {
    if (this.#accept === null) throw new CreelError('unavailable', 'Creel is starting or stopping')
    const at = this.#clock.now()
    const accepted = this.#accept({
      address: { channel: CHANNEL, account: ACCOUNT, chat: group },
      chatKind: 'private',
      chatTitle: group,
      platformMessageId: id,
      sender: { id: user, name: user.slice(user.indexOf(':') + 1), isBot: false },
      text,
      sentAt: at,
      mentionsUs: true,
      ...(files.length === 0 ? {} : { files }),
    })
    const line = this.#chats.append(group, 'user', text, `in:${id}`, at, chatFiles(files))
    this.#tellLine(group, line)
    return accepted
  }

  /**
   * Calls `onLine` for the newest lines after `afterId` before it returns, and for each new line from then on,
   * without gap or repetition; `onProgress` with null when a turn has ended. Returns how to stop.
   */
  subscribe(
    group: GroupName,
    afterId: number,
    onLine: (line: OwnChatLine) => void,
    onProgress: (progress: Progress | null) => void,
  ): () => void {
    const watcher: Watcher = { group, lastId: afterId, onLine, onProgress }
    for (const line of this.#chats.lines(group, afterId, MAX_HISTORY)) {
      watcher.lastId = line.id
      onLine(line)
    }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  async receive(accept: Accept, signal: AbortSignal): Promise<void> {
    if (this.#accept !== null) throw new Error('the terminal channel receives already')
    if (signal.aborted) return
    this.#accept = accept
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    this.#accept = null
  }

  render(markdown: string): readonly DeliveryPart[] {
    if (markdown.trim() === '') return ['(empty message)']
    return [fileFreeText(markdown).slice(0, MAX_TEXT)]
  }

  renderChoices(markdown: string, choices: readonly Choice[]): readonly DeliveryPart[] {
    return this.render(choicesInWords(markdown, choices))
  }

  renderFile(file: ChatFile, caption: string): readonly DeliveryPart[] {
    return [filePart(file, caption)]
  }

  /** A file from this terminal is in the store before its message is handed over. */
  async fetchFile(): Promise<never> {
    throw new ChannelRefusedError('this channel has no files of its own')
  }

  async send(to: ChatAddress, part: DeliveryPart, key: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    if (to.channel !== CHANNEL || to.account !== ACCOUNT) {
      throw new ChannelRefusedError('this address belongs to another channel')
    }
    const sent = readFilePart(part)
    const text = sent === null ? part : sent.caption
    const files = sent === null ? [] : [sent.file]
    const line = this.#chats.append(to.chat, 'agent', text, `out:${key}`, this.#clock.now(), files)
    this.#tellLine(to.chat, line)
    return String(line.id)
  }

  textOf(part: DeliveryPart): string {
    return readablePart(part)
  }

  showProgress(to: ChatAddress, progress: Progress | null): void {
    this.#tell(to.chat, (watcher) => watcher.onProgress(progress))
  }

  #react(to: ChatAddress, id: string, emoji: string): void {
    if (!isEmoji(emoji)) throw new ChannelRefusedError('this is no emoji')
    const text = `${emoji} (to what you wrote)`
    this.#tellLine(
      to.chat,
      this.#chats.append(to.chat, 'agent', text, `react:${id}:${emoji}`, this.#clock.now()),
    )
  }

  #tellLine(chat: string, line: OwnChatLine): void {
    this.#tell(chat, (watcher) => {
      if (line.id <= watcher.lastId) return
      watcher.lastId = line.id
      watcher.onLine(line)
    })
  }

  #tell(chat: string, tell: (watcher: Watcher) => void): void {
    for (const watcher of [...this.#watchers]) {
      if (watcher.group !== chat) continue
      try {
        tell(watcher)
      } catch (error) {
        // It subscribes again from its last line; the others must hear this one now.
        this.#watchers.delete(watcher)
        this.#onFault('terminal watcher failed', error)
      }
    }
  }
}
