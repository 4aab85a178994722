import { BotApiFront, type Call, type Fault } from './bot-api-front.ts'
import type { BotFile } from './bot-files.ts'
import { BACKEND_NAME, type SentMessage, TestApiBackend } from './test-api-backend.ts'

/** The bot of the emulator, as its getMe says. */
export const BOT = { id: 666, is_bot: true, first_name: 'Test First name', username: 'TestNameBot' }
export const GROUP = { id: -100_200, type: 'supergroup', title: 'Family' }
export const ALICE = { id: 7, is_bot: false, first_name: 'Alice', last_name: 'Doe' }
const PRIVATE = { id: ALICE.id, type: 'private', first_name: 'Alice', last_name: 'Doe' }

/** A Telegram to test against: nothing of it leaves this machine. */
export interface Emulator {
  readonly apiRoot: string
  /** Looks like a real token; nothing may ever show it. */
  readonly token: string
  /** Requests of the bot, oldest first. */
  readonly calls: readonly Call[]
  /** Files of the bot, oldest first. */
  readonly sentFiles: readonly BotFile[]
  /** Reactions of the bot, oldest first. */
  readonly reactions: readonly { readonly chat: string; readonly message: number; readonly emoji: string }[]
  /** A person uploads a file, which messages then name by this id. */
  upload(fileId: string, bytes: Buffer): void
  /** `fields` are any fields of a Telegram Message; chat and sender have defaults. */
  postGroupMessage(text: string, fields?: object): Promise<void>
  postPrivateMessage(text: string, fields?: object): Promise<void>
  /** A message with no text of its own. */
  post(fields: object): Promise<void>
  /** What the bot's menu offers now; can be set as @BotFather would. */
  menu: unknown
  /** Somebody presses a button of the bot's newest message in a chat that has one of this label. */
  press(label: string, chat: number | string, from?: object): Promise<void>
  /** An app that was changed sends whatever it likes as a press. */
  pressData(data: string, chat: number | string): Promise<void>
  /** Makes a topic in the group. */
  addTopic(thread: number): void
  addChat(chat: number | string): void
  /** The person blocks the bot. */
  block(chat: number | string): void
  sentMessages(chat?: number | string): Promise<SentMessage[]>
  isConfirmed(text: string): boolean
  /** The next requests of this method meet these faults, one each. */
  fault(method: string, ...faults: Fault[]): void
  /** The network goes, and comes back at the same address. */
  cut(): Promise<void>
  restore(): Promise<void>
  stop(): Promise<void>
}

/** Says once per test file what the tests run against. */
export function announceEmulator(): void {
  console.log(
    `telegram emulator: ${BACKEND_NAME}, with offsets, refusals and faults by test/telegram/bot-api-front.ts`,
  )
}

/** Starts a fresh emulator on free ports. Installs its pinned package into `.creel/peers` when it is missing. */
export async function startEmulator(): Promise<Emulator> {
  const token = `123456789:AA${crypto.randomUUID().replaceAll('-', '')}x`
  const backend = await TestApiBackend.start(token)
  const front = new BotApiFront(backend, token)
  await front.listen()
  front.chats.add(String(GROUP.id)).add(String(PRIVATE.id))
  const post = async (fields: object): Promise<void> => {
    await backend.post({ date: Math.floor(Date.now() / 1000), from: ALICE, chat: GROUP, ...fields })
    front.wake()
  }
  return {
    apiRoot: front.apiRoot,
    token,
    calls: front.calls,
    reactions: front.reactions,
    get menu() {
      return front.menu
    },
    set menu(commands) {
      front.menu = commands
    },
    sentFiles: front.files.sent,
    upload: (fileId, bytes) => void front.files.uploads.set(fileId, bytes),
    post,
    postGroupMessage: (text, fields) => post({ text, ...fields }),
    postPrivateMessage: (text, fields) => post({ text, chat: PRIVATE, ...fields }),
    async press(label, chat, from = ALICE) {
      const sent = (await backend.sentMessages()).filter((message) => message.chat_id === String(chat))
      const message = sent.findLast((one) => keysOf(one).some((key) => key.text === label))
      const key = message && keysOf(message).find((one) => one.text === label)
      if (!message || !key) throw new Error(`no button ${label}`)
      const place = String(chat) === String(GROUP.id) ? GROUP : PRIVATE
      const { message_id, text } = message
      await backend.press({
        from,
        data: key.callback_data,
        message: { message_id, text, chat: place, date: 1 },
      })
      front.wake()
    },
    async pressData(data, chat) {
      const place = Number(chat) === PRIVATE.id ? PRIVATE : { ...GROUP, id: Number(chat) }
      const message = { message_id: 1, text: '', chat: place, date: 1 }
      await backend.press({ from: ALICE, data, message })
      front.wake()
    },
    addTopic: (thread) => void front.threads.add(`${GROUP.id}/${thread}`),
    addChat: (chat) => void front.chats.add(String(chat)),
    block: (chat) => void front.blocked.add(String(chat)),
    async sentMessages(chat) {
      const sent = await backend.sentMessages()
      return chat === undefined ? sent : sent.filter((message) => message.chat_id === String(chat))
    },
    isConfirmed: (text) => front.isConfirmed(text),
    fault: (method, ...faults) => front.inject(method, ...faults),
    cut: () => front.cut(),
    restore: () => front.listen(),
    async stop() {
      await front.cut()
      await backend.stop()
    },
  }
}

/** The buttons below a message. */
export function keysOf({
  reply_markup,
}: SentMessage): readonly { text: string; callback_data?: string | undefined; url?: string | undefined }[] {
  return (reply_markup?.inline_keyboard ?? []).flat()
}
