import type { Api } from 'grammy'
import type { ReactionTypeEmoji } from 'grammy/types'
import { ChannelRefusedError } from '../../../domain/errors.ts'
import type { ChatAddress } from '../../../domain/message.ts'
import type { ChatReactions } from '../../../domain/ports/channel.ts'
import { called } from './called.ts'
import { checkedTarget } from './send-target.ts'

/** All that a bot may react with: https://core.telegram.org/bots/api#reactiontypeemoji */
const EMOJI: readonly ReactionTypeEmoji['emoji'][] = [
  ...(['👍', '👎', '❤', '🔥', '🥰', '👏', '😁', '🤔', '🤯', '😱', '🤬', '😢', '🎉', '🤩', '🤮'] as const),
  ...(['💩', '🙏', '👌', '🕊', '🤡', '🥱', '🥴', '😍', '🐳', '❤‍🔥', '🌚', '🌭', '💯', '🤣', '⚡'] as const),
  ...(['🍌', '🏆', '💔', '🤨', '😐', '🍓', '🍾', '💋', '🖕', '😈', '😴', '😭', '🤓', '👻', '👨‍💻'] as const),
  ...(['👀', '🎃', '🙈', '😇', '😨', '🤝', '✍', '🤗', '🫡', '🎅', '🎄', '☃', '💅', '🤪', '🗿'] as const),
  ...(['🆒', '💘', '🙉', '🦄', '😘', '💊', '🙊', '😎', '👾', '🤷‍♂', '🤷', '🤷‍♀', '😡'] as const),
]

export class TelegramReactions implements ChatReactions {
  readonly examples = EMOJI
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  takes(emoji: string): boolean {
    return asTelegram(emoji) !== undefined
  }

  async react(to: ChatAddress, messageId: string, emoji: string, signal: AbortSignal): Promise<void> {
    const { chat } = checkedTarget(to)
    const known = asTelegram(emoji)
    // A changed message has the id of what it was, with a word about the change.
    const id = /^(\d{1,15})(?::edit:\d+)?$/.exec(messageId)?.[1]
    if (known === undefined || id === undefined)
      throw new ChannelRefusedError('this message takes no such reaction')
    const limit = signal as Parameters<Api['setMessageReaction']>[4]
    await called(() =>
      this.#api.setMessageReaction(chat, Number(id), [{ type: 'emoji', emoji: known }], {}, limit),
    )
  }
}

/** Telegram writes its emoji without the mark that asks for colour. */
function asTelegram(emoji: string): ReactionTypeEmoji['emoji'] | undefined {
  const bare = (text: string) => text.replaceAll('\uFE0F', '')
  return EMOJI.find((known) => bare(known) === bare(emoji))
}
