import type Database from 'better-sqlite3'
import type { HostWord } from '../../domain/host-word.ts'
import type { UnixMs } from '../../domain/ids.ts'

/** Gives a word of the host to one agent; a known key changes nothing. The caller holds the transaction. */
export function prepareTell(db: Database.Database): (word: HostWord, at: UnixMs) => 'new' | 'duplicate' {
  const insert = db.prepare(
    `INSERT INTO inbound (chat_id, thread, platform_message_id, sender_id, sender_name, text, mentions_us,
                          sent_at, received_at, state, from_host, from_agent, quote_name, quote_text,
                          request_id, root_id)
     SELECT @chatId, @thread, @key, @senderId, @senderName, @text, 1, @at, @at, 'routed', 1, @fromAgent, @quoteName,
            @quoteText, (SELECT request_id FROM inbound WHERE id = @after),
            (SELECT coalesce(root_id, id) FROM inbound WHERE id = @after)
     WHERE true ON CONFLICT (chat_id, platform_message_id) DO NOTHING`,
  )
  const give = db.prepare(
    'INSERT INTO dispatch (group_name, inbound_id, session, dispatched_at) VALUES (?, ?, ?, ?)',
  )
  // An agent that goes on with what another one asked has more to say to it.
  const reopen = db.prepare(
    `UPDATE agent_request SET state = 'open', answer = ''
     WHERE state = 'told' AND id = (SELECT request_id FROM inbound WHERE id = ?)`,
  )
  return (word, at) => {
    const { chatId, thread = '', senderId, senderName, text, group, session, quote } = word
    const { changes, lastInsertRowid } = insert.run({
      ...{ chatId, thread, senderId, senderName, text, at, key: `host:${word.key}` },
      fromAgent: word.fromAgent ?? null,
      quoteName: quote?.name ?? null,
      quoteText: quote?.text ?? null,
      after: word.after ?? null,
    })
    if (changes === 0) return 'duplicate'
    give.run(group, lastInsertRowid, session, at)
    reopen.run(lastInsertRowid)
    return 'new'
  }
}
