import { failedWithout } from '../delivery/notices.ts'
import type { Approval } from '../domain/approval.ts'
import type { GroupName } from '../domain/ids.ts'
import type { ChatFile } from '../domain/message.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { ChatRow, NewDelivery } from '../domain/ports/stores.ts'
import { choicesOf } from './choices.ts'

type Shown = Pick<Approval, 'card' | 'code' | 'kind' | 'choices' | 'cardKey' | 'chatId' | 'thread'>

/**
 * The card of an ask in a chat, its buttons with the last part, behind the file that belongs to it. `author`: of a
 * question, which is its agent's.
 */
export function cardDeliveries(
  approval: Shown,
  { id, address }: ChatRow,
  channelOf: (channel: string, account: string) => Channel | undefined,
  more: {
    readonly author?: { readonly group: GroupName; readonly inboxSeq: number } | undefined
    readonly file?: ChatFile | undefined
  } = {},
): NewDelivery[] {
  const { author, file } = more
  const channel = channelOf(address.channel, address.account)
  const base = {
    chatId: id,
    thread: id === approval.chatId ? approval.thread : undefined,
    ...(author ?? { group: null }),
    ...failedWithout(channel, address.channel, address.account),
  }
  const parts = channel?.renderChoices(approval.card, choicesOf(approval)) ?? [approval.card]
  const files = file === undefined ? [] : (channel?.renderFile(file, '') ?? [])
  return [
    // A name outside of the card's own: a file that cannot be sent must not count as a card that was not.
    ...files.map((part, index) => ({
      ...base,
      part,
      key: `${approval.cardKey}-file:${index}`,
      ...(file === undefined ? {} : { file: file.sha256 }),
    })),
    ...parts.map((part, index) => ({ ...base, part, key: `${approval.cardKey}:${index}` })),
  ]
}
