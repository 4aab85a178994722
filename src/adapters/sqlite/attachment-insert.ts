import { MAX_FILES } from '@creel/protocol'
import type Database from 'better-sqlite3'
import type { InboundFile } from '../../domain/message.ts'

/**
 * A prepared insert of a new message's files; the caller holds the transaction. `transcribes`: the words of voice
 * messages are wanted, too.
 */
export function prepareAttach(
  db: Database.Database,
  transcribes: boolean,
): (inboundId: number, files: readonly InboundFile[]) => void {
  const insert = db.prepare(
    `INSERT INTO attachment (inbound_id, position, kind, name, mime, seconds, words, bytes, source, state, sha256, image)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  return (inboundId, files) => {
    files.slice(0, MAX_FILES).forEach(({ kind, name, mime, bytes, seconds, from }, position) => {
      const words = transcribes && kind === 'voice' ? 'wanted' : null
      const called = name.slice(0, 200) || kind
      const about = [inboundId, position, kind, called, mime.slice(0, 100), wholeSeconds(seconds), words]
      if ('source' in from) insert.run(...about, bytes, from.source, 'wanted', null, null)
      else {
        const { sha256, image, bytes: size } = from.stored
        insert.run(...about, size, '', 'ready', sha256, image && JSON.stringify(image))
      }
    })
  }
}

function wholeSeconds(seconds: number | undefined): number | null {
  return seconds !== undefined && Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : null
}
