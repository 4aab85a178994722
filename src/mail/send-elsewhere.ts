import { messageHandle, type OutboxSend } from '@creel/protocol'
import { failedWithout, renderParts } from '../delivery/notices.ts'
import { namedChat } from '../domain/destination.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DeliveryStore, DirectoryStore, NewDelivery } from '../domain/ports/stores.ts'
import { maySendTo, type Verdict } from './authorise.ts'

export interface ElsewherePorts {
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly deliveries: Pick<DeliveryStore, 'sentElsewhere'>
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly clock: Clock
}

export type Elsewhere =
  | { readonly chatId: ChatId; readonly deliveries: readonly NewDelivery[] }
  | { readonly refused: string }

const HOUR_MS = 3_600_000
/** The form of their keys tells these deliveries from answers; the store counts by it. */
const FIRST_PART = ':to:0'

/**
 * What a message into another chat amounts to. Who may write where is found in the host's tables at this moment; the
 * entry's name for the chat counts only as its number. `taken`: deliveries of the same batch.
 */
export function sendElsewhere(
  group: GroupName,
  seq: number,
  entry: OutboxSend & { readonly to: string },
  origin: Verdict,
  taken: readonly NewDelivery[],
  ports: ElsewherePorts,
): Elsewhere {
  const { directory, deliveries, channelOf, clock } = ports
  const named = namedChat(entry.to)
  const chat = named === null ? null : directory.chat(named)
  const verdict = maySendTo(group, origin, chat, {
    bindings: chat ? directory.bindings(chat.id) : [],
    withinHour: () => {
      if (!chat) return 0
      const now = taken.filter(({ chatId, key }) => chatId === chat.id && key.endsWith(FIRST_PART)).length
      return now + deliveries.sentElsewhere(group, chat.id, (clock.now() - HOUR_MS) as UnixMs)
    },
  })
  if (!verdict.allowed) return { refused: verdict.reason }
  if (!chat) return { refused: 'no chat' }
  const { channel: name, account } = chat.address
  const channel = channelOf(name, account)
  const parts = renderParts(channel, entry.text).map((part, index) => ({
    chatId: chat.id,
    thread: undefined,
    part,
    key: `${group}:${seq}:to:${index}`,
    group,
    inboxSeq: entry.inboxSeq,
    handle: messageHandle(entry.inboxSeq, entry.key),
    ...failedWithout(channel, name, account),
  }))
  return { chatId: chat.id, deliveries: parts }
}
