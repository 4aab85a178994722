import { ChannelRefusedError } from '../../../domain/errors.ts'
import type { ChatAddress } from '../../../domain/message.ts'

/** Where to, checked. */
export interface Target {
  readonly chat: string
  readonly thread?: number
}

/** Numbers only: a chat given as `@name` would let a stored address name any public channel. */
export function checkedTarget(to: ChatAddress): Target {
  if (!/^-?\d{1,16}$/.test(to.chat)) throw new ChannelRefusedError('not a Telegram chat id')
  if (to.thread === undefined) return { chat: to.chat }
  if (!/^\d{1,16}$/.test(to.thread)) throw new ChannelRefusedError('not a Telegram topic id')
  return { chat: to.chat, thread: Number(to.thread) }
}
