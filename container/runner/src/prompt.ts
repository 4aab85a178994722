import type { InboxMessage, Overheard } from '@creel/protocol'

/** Continuation lines are indented, so that no message can pretend to be the header of another. */
function spoken(line: Pick<Overheard, 'from' | 'text' | 'at'>): string {
  const when = new Date(line.at).toISOString()
  const name = line.from.name.replace(/\s+/g, ' ')
  return `[${when}] ${name} (${line.from.id}):\n  ${line.text.replaceAll('\n', '\n  ')}`
}

/** The message as a model should see it: who speaks, where, and what was said before without waking it. */
export function promptOf(message: InboxMessage): string {
  const title = message.chat.title.replace(/\s+/g, ' ')
  const where = `${message.chat.channel} ${message.chat.kind} chat${title === '' ? '' : ` "${title}"`}`
  const parts = [`In the ${where}:`, spoken(message)]
  if (message.context.length > 0) {
    parts.unshift('Said before, not to you:', ...message.context.map(spoken), '')
  }
  return parts.join('\n')
}
