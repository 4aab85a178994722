import type Database from 'better-sqlite3'
import type { UnixMs } from '../../domain/ids.ts'
import type { ChatAddress } from '../../domain/message.ts'
import type { NoteRow, ProgressNoteStore } from '../../domain/ports/progress-notes.ts'

interface Columns {
  id: number
  channel: string
  account: string
  chat: string
  thread: string
  platform_message_id: string | null
  created_at: number
}

export class SqliteProgressNotes implements ProgressNoteStore {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    this.#db = db
  }

  begun(to: ChatAddress, at: UnixMs): number {
    return Number(
      this.#db
        .prepare(
          'INSERT INTO progress_note (channel, account, chat, thread, created_at) VALUES (?, ?, ?, ?, ?)',
        )
        .run(to.channel, to.account, to.chat, to.thread ?? '', at).lastInsertRowid,
    )
  }

  sent(id: number, platformMessageId: string): void {
    this.#db
      .prepare('UPDATE progress_note SET platform_message_id = ? WHERE id = ?')
      .run(platformMessageId, id)
  }

  gone(id: number): void {
    this.#db.prepare('DELETE FROM progress_note WHERE id = ?').run(id)
  }

  all(): readonly NoteRow[] {
    return this.#db
      .prepare<[], Columns>('SELECT * FROM progress_note ORDER BY id')
      .all()
      .map(({ id, channel, account, chat, thread, platform_message_id, created_at }) => ({
        id,
        address: { channel, account, chat, ...(thread === '' ? {} : { thread }) },
        platformMessageId: platform_message_id,
        createdAt: created_at as UnixMs,
      }))
  }
}
