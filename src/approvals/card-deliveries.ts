import { failedWithout } from '../delivery/notices.ts'
import type { Approval } from '../domain/approval.ts'
import type { GroupName } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { ChatRow, NewDelivery } from '../domain/ports/stores.ts'
import { choicesOf } from './choices.ts'

type Shown = Pick<Approval, 'card' | 'code' | 'kind' | 'choices' | 'cardKey' | 'chatId' | 'thread'>

/** The card of an ask in a chat, its buttons with the last part. `author`: of a question, which is its agent's. */
export function cardDeliveries(
  approval: Shown,
  { id, address }: ChatRow,
  channelOf: (channel: string, account: string) => Channel | undefined,
  author?: { readonly group: GroupName; readonly inboxSeq: number },
): NewDelivery[] {
  const channel = channelOf(address.channel, address.account)
  const parts = channel?.renderChoices(approval.card, choicesOf(approval)) ?? [approval.card]
  return parts.map((part, index) => ({
    ...{ chatId: id, part, key: `${approval.cardKey}:${index}` },
    thread: id === approval.chatId ? approval.thread : undefined,
    ...(author ?? { group: null }),
    ...failedWithout(channel, address.channel, address.account),
  }))
}
