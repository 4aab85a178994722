import type Database from 'better-sqlite3'
import type { UnixMs } from '../../domain/ids.ts'
import type { InboundMessage } from '../../domain/message.ts'

/** The pictures of an album come one right after the other; this long after each the next is waited for, … */
const GATHER_MS = 1_000
/** … and all of them this long after the first. */
const GATHER_AT_MOST_MS = 5_000
/** A message that takes in others does not grow for ever. */
const MAX_TEXT = 20_000

/** Prepares what makes the text of an album out of the captions of its pictures. Returns the text. */
export function prepareAlbumText(db: Database.Database): (lead: number) => string {
  const captions = db
    .prepare<[number], string>('SELECT caption FROM inbound WHERE album_lead = ? ORDER BY id')
    .pluck()
  const write = db.prepare('UPDATE inbound SET text = ? WHERE id = ?')
  return (lead) => {
    const text = captions.all(lead).join('\n').slice(0, MAX_TEXT)
    write.run(text, lead)
    return text
  }
}

/**
 * Prepares what puts a new row's album together, in the caller's transaction: the row becomes part of the first one
 * that is not routed yet, or is the first itself and waits for the others.
 */
export function prepareAlbums(
  db: Database.Database,
): (rowId: number, chatId: number, message: InboundMessage, at: UnixMs) => void {
  const compose = prepareAlbumText(db)
  const lead = db.prepare<unknown[], { id: number; received_at: number }>(
    `SELECT id, received_at FROM inbound
     WHERE chat_id = ? AND album = ? AND sender_id = ? AND state = 'new' AND album <> '' AND id <> ?`,
  )
  const begin = db.prepare('UPDATE inbound SET album = ?, gather_until = ? WHERE id = ?')
  const belong = db.prepare('UPDATE inbound SET album_lead = ?, caption = text WHERE id = ?')
  const join = db.prepare("UPDATE inbound SET state = 'dropped', reason = ? WHERE id = ?")
  const moveFiles = db.prepare(
    `UPDATE attachment SET inbound_id = @lead, position = position + 1 + (
       SELECT coalesce(max(position), -1) FROM attachment WHERE inbound_id = @lead) WHERE inbound_id = @part`,
  )
  const grow = db.prepare(
    'UPDATE inbound SET mentions_us = max(mentions_us, ?), gather_until = ? WHERE id = ?',
  )
  return (rowId, chatId, { album, sender, mentionsUs }, at) => {
    if (album === undefined) return
    const first = lead.get(chatId, album, sender.id, rowId)
    belong.run(first?.id ?? rowId, rowId)
    if (!first) {
      begin.run(album, at + GATHER_MS, rowId)
      return
    }
    join.run(`one album with message ${first.id}`, rowId)
    moveFiles.run({ lead: first.id, part: rowId })
    const until = Math.min(at + GATHER_MS, first.received_at + GATHER_AT_MOST_MS)
    compose(first.id)
    grow.run(mentionsUs ? 1 : 0, until, first.id)
  }
}
