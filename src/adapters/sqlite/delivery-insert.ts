import type Database from 'better-sqlite3'
import type { UnixMs } from '../../domain/ids.ts'
import type { NewDelivery } from '../../domain/ports/stores.ts'

/** A prepared insert that skips known keys; the caller holds the transaction. */
export function prepareDeliveryInsert(db: Database.Database): (delivery: NewDelivery, at: UnixMs) => void {
  const insert = db.prepare(
    `INSERT INTO delivery (chat_id, thread, part, key, group_name, state, reason, created_at,
                           inbox_seq, file, unrendered, handle)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
  )
  return (d, at) => {
    insert.run(
      d.chatId,
      d.thread ?? '',
      d.part,
      d.key,
      d.group,
      d.failed === undefined ? 'queued' : 'failed',
      d.failed ?? null,
      at,
      d.inboxSeq ?? null,
      d.file ?? null,
      d.unrendered ? 1 : 0,
      d.handle ?? null,
    )
  }
}
