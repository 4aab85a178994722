import type { Destination } from '@creel/protocol'
import type { Binding } from './binding.ts'
import type { ChatId } from './ids.ts'
import type { ChatRow } from './ports/stores.ts'

/** Chats that one message tells its agent of; the ones it was bound to last are left out. */
const MAX_DESTINATIONS = 50
const MAX_WORDS = 30

/**
 * What an agent calls a chat: words for reading, and the number that decides. A title is its members' to change, so a
 * name that was made of it alone could be taken over. Pure.
 */
export function destinationName({ id, title, address }: Pick<ChatRow, 'id' | 'title' | 'address'>): string {
  const words = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_WORDS)
  return `${words === '' ? address.channel : words}-${id}`
}

/** The chat that a name stands for; null when it is no name of ours. Says nothing of who may write there. Pure. */
export function namedChat(name: string): ChatId | null {
  const digits = /-(\d{1,15})$/.exec(name)?.[1]
  return digits === undefined ? null : (Number(digits) as ChatId)
}

/** The chats that a group, by all its bindings, may write to besides the one it is spoken to in. Pure. */
export function destinationsOf(
  origin: ChatId,
  bindings: readonly Binding[],
  chatOf: (id: ChatId) => ChatRow | null,
): Destination[] {
  const ids = bindings.filter((one) => one.chatId !== origin).map((one) => one.chatId)
  return ids.slice(0, MAX_DESTINATIONS).flatMap((id) => {
    const chat = chatOf(id)
    if (chat === null || chat.denied) return []
    const { kind, title, address } = chat
    return [{ name: destinationName(chat), channel: address.channel, kind, title: title.slice(0, 300) }]
  })
}
