import type Database from 'better-sqlite3'
import type { InboundMessage } from '../../domain/message.ts'
import { prepareAlbumText } from './album.ts'

interface Known {
  id: number
  text: string
  mentions_us: number
  with_agent: number
  /** The message that stands for its album, if it is of one. */
  album_lead: number | null
}

/** What becomes of a changed message: it replaced the old text, it is to be recorded anew, or it is of no interest. */
export type Revision = 'replaced' | { readonly record: InboundMessage } | 'ignored'

/**
 * A person changed a message. One that no agent has been given is simply replaced; one that an agent has is said
 * again, as a message of its own. A caption within an album changes the message that stands for all. The caller holds
 * the transaction.
 */
export function prepareRevise(db: Database.Database): (message: InboundMessage, edit: string) => Revision {
  const find = db.prepare<unknown[], Known>(
    `SELECT i.id, coalesce(i.caption, i.text) AS text, i.mentions_us, i.album_lead,
       EXISTS (SELECT 1 FROM dispatch d WHERE d.inbound_id = coalesce(i.album_lead, i.id)
                 AND (d.inbox_seq IS NOT NULL OR d.outcome IS NOT NULL)) AS with_agent
     FROM inbound i JOIN chat c ON c.id = i.chat_id
     WHERE c.channel = ? AND c.account = ? AND c.chat = ? AND i.platform_message_id = ? AND i.sender_id = ?`,
  )
  const replace = db.prepare('UPDATE inbound SET text = ?, mentions_us = ? WHERE id = ?')
  const caption = db.prepare('UPDATE inbound SET caption = ? WHERE id = ?')
  const mention = db.prepare('UPDATE inbound SET mentions_us = max(mentions_us, ?) WHERE id = ?')
  const compose = prepareAlbumText(db)
  return (message, edit) => {
    const { channel, account, chat } = message.address
    const known = find.get(channel, account, chat, message.platformMessageId, message.sender.id)
    if (!known || known.text === message.text) return 'ignored'
    if (known.album_lead !== null) caption.run(message.text, known.id)
    if (known.with_agent === 0 && known.album_lead !== null) {
      compose(known.album_lead)
      mention.run(message.mentionsUs ? 1 : 0, known.album_lead)
      return 'replaced'
    }
    if (known.with_agent === 0) {
      replace.run(message.text, message.mentionsUs ? 1 : 0, known.id)
      return 'replaced'
    }
    return {
      record: {
        ...message,
        platformMessageId: `${message.platformMessageId}:edit:${edit}`,
        text: `edited: ${message.text}`,
        // It woke the agent as it was, so it does as it is now.
        mentionsUs: message.mentionsUs || known.mentions_us === 1,
      },
    }
  }
}
