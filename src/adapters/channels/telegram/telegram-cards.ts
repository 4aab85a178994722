import type { Api } from 'grammy'
import type { ChatAddress } from '../../../domain/message.ts'
import type { ChatCards } from '../../../domain/ports/channel.ts'
import { called } from './called.ts'
import { entitiesOf, readPart, renderParts } from './render-parts.ts'
import { checkedTarget } from './send-target.ts'

/** Edits the message; without a keyboard in the call its buttons go. */
export class TelegramCards implements ChatCards {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  async settle(to: ChatAddress, id: string, markdown: string, signal: AbortSignal): Promise<void> {
    const { chat } = checkedTarget(to)
    const [first = ''] = renderParts(markdown)
    const part = readPart(first)
    const options = { link_preview_options: { is_disabled: true }, entities: entitiesOf(part) }
    await called(
      () =>
        this.#api.editMessageText(
          chat,
          Number(id),
          part.text,
          options,
          signal as Parameters<Api['editMessageText']>[4],
        ),
      /message is not modified/i,
    )
  }
}
