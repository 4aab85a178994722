import { setTimeout as sleep } from 'node:timers/promises'
import { ALICE, BOT, type Emulator, GROUP, keysOf } from '../telegram/emulator.ts'

const WAIT_MS = 90_000
const LOOK_MS = 25

/** One line of what a person sees in Telegram. */
export interface TalkLine {
  readonly chat: 'private' | 'group'
  readonly who: 'person' | 'bot'
  readonly text: string
  /** Labels of the buttons below it. */
  readonly buttons: readonly string[]
  readonly picture?: Buffer
  /** Name of a file that came with it. */
  readonly file?: string
}

const CHATS = { private: ALICE.id, group: GROUP.id }

/** What Alice writes to the bot and reads of it, in the order in which she sees it. */
export class TelegramTalk {
  readonly lines: TalkLine[] = []
  readonly #telegram: Emulator
  readonly #read = new Set<number>()
  #filesRead = 0
  #uploads = 0

  constructor(telegram: Emulator) {
    this.#telegram = telegram
  }

  async say(chat: TalkLine['chat'], text: string): Promise<void> {
    this.lines.push({ chat, who: 'person', text, buttons: [] })
    if (chat === 'group') await this.#telegram.postGroupMessage(text, { entities: mentionsIn(text) })
    else await this.#telegram.postPrivateMessage(text)
  }

  /** Sends a picture to the group, with words below it. */
  async sendPicture(picture: Buffer, text: string): Promise<void> {
    this.#uploads += 1
    const file_id = `picture-${this.#uploads}`
    this.#telegram.upload(file_id, picture)
    this.lines.push({ chat: 'group', who: 'person', text, buttons: [], picture })
    const size = { file_id, file_unique_id: file_id, width: 480, height: 320, file_size: picture.length }
    await this.#telegram.post({ photo: [size], caption: text, caption_entities: mentionsIn(text) })
  }

  /** Presses a button of the bot's newest message that has it. */
  async press(chat: TalkLine['chat'], label: string): Promise<void> {
    this.lines.push({ chat, who: 'person', text: `(presses “${label}”)`, buttons: [] })
    await this.#telegram.press(label, CHATS[chat])
  }

  /** Waits until the bot has written a text with `part` there, and reads on to it. */
  async reads(chat: TalkLine['chat'], part: string): Promise<TalkLine> {
    return this.#until(`“${part}” in the ${chat} chat`, async () => {
      const sent = await this.#telegram.sentMessages(CHATS[chat])
      const news = sent.filter(({ message_id, text }) => !this.#read.has(message_id) && !isPassing(text))
      const at = news.findIndex(({ text }) => text.includes(part))
      if (at < 0) return undefined
      const lines = news.slice(0, at + 1).map((message): TalkLine => {
        this.#read.add(message.message_id)
        const buttons = keysOf(message).map((key) => key.text)
        return { chat, who: 'bot', text: message.text, buttons }
      })
      this.lines.push(...lines)
      return lines.at(-1)
    })
  }

  /** Waits for the next file of the bot. */
  async receives(chat: TalkLine['chat']): Promise<Buffer> {
    const file = await this.#until('a file', async () => this.#telegram.sentFiles[this.#filesRead])
    this.#filesRead += 1
    if (file.chat_id !== String(CHATS[chat])) throw new Error(`a file came to ${file.chat_id}`)
    this.lines.push({ chat, who: 'bot', text: file.caption, buttons: [], file: file.name })
    return file.bytes
  }

  async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + WAIT_MS
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > deadline) {
        const all = (await this.#telegram.sentMessages()).map(({ chat_id, text }) => `${chat_id}: ${text}`)
        throw new Error(`waited in vain for ${what}; the bot wrote:\n${all.join('\n')}`)
      }
      await sleep(LOOK_MS)
    }
  }
}

/** A message that says that work goes on is gone when it is done. */
function isPassing(text: string): boolean {
  return text.startsWith('Working')
}

function mentionsIn(text: string): object[] {
  const mention = `@${BOT.username}`
  const offset = text.indexOf(mention)
  return offset < 0 ? [] : [{ type: 'mention', offset, length: mention.length }]
}
