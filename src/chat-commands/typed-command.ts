import type { InboundRow } from '../domain/ports/stores.ts'

/** A slash word, also behind a mention or with the bot's name. */
const COMMAND = /^(@\S+\s+)?\/([a-z]{1,32})(@\S+)?(?:\s+(\S[\s\S]*))?$/i

export interface TypedCommand {
  readonly name: string
  readonly args: string
}

/** The command that a message is; null for ordinary text. With somebody's name on it, it must be ours. */
export function typedCommand(message: InboundRow): TypedCommand | null {
  const match = COMMAND.exec(message.text.trim())
  if (!match) return null
  const [, before, name = '', suffix, args = ''] = match
  const named = before !== undefined || suffix !== undefined
  if (named && !message.mentionsUs && message.chatKind !== 'private') return null
  return { name: name.toLowerCase(), args: args.trim() }
}
