import type { Api } from 'grammy'
import type { ChatAddress } from '../../../domain/message.ts'
import type { ChatNotes } from '../../../domain/ports/channel.ts'
import { called } from './called.ts'
import { checkedTarget } from './send-target.ts'

type GrammySignal = Parameters<Api['deleteMessage']>[2]

const QUIET = { link_preview_options: { is_disabled: true } } as const

/** Notes as ordinary messages without sound, changed and deleted by the bot. Texts go out without formatting. */
export class TelegramNotes implements ChatNotes {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  async post(to: ChatAddress, text: string, signal: AbortSignal): Promise<string> {
    const { chat, thread } = checkedTarget(to)
    const inThread = thread === undefined ? {} : { message_thread_id: thread }
    const options = { ...QUIET, ...inThread, disable_notification: true }
    const sent = await called(() => this.#api.sendMessage(chat, text, options, signal as GrammySignal))
    return String(sent?.message_id)
  }

  async edit(to: ChatAddress, id: string, text: string, signal: AbortSignal): Promise<void> {
    const { chat } = checkedTarget(to)
    await called(
      () => this.#api.editMessageText(chat, Number(id), text, QUIET, signal as GrammySignal),
      /message is not modified/i,
    )
  }

  async remove(to: ChatAddress, id: string, signal: AbortSignal): Promise<void> {
    const { chat } = checkedTarget(to)
    await called(
      () => this.#api.deleteMessage(chat, Number(id), signal as GrammySignal),
      /message to delete not found/i,
    )
  }
}
