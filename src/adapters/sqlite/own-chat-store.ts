import type Database from 'better-sqlite3'
import type { UnixMs } from '../../domain/ids.ts'
import type { OwnChatLine, OwnChatStore } from '../../domain/ports/channel.ts'

interface LineColumns {
  id: number
  author: string
  text: string
  at: number
}

/** Lines of one channel that is its own platform. */
export class SqliteOwnChatStore implements OwnChatStore {
  readonly #db: Database.Database
  readonly #channel: string

  constructor(db: Database.Database, channel: string) {
    this.#db = db
    this.#channel = channel
  }

  append(chat: string, author: OwnChatLine['author'], text: string, key: string, at: UnixMs): OwnChatLine {
    // The update that changes nothing makes RETURNING give the first line when the key is known.
    const row = this.#db
      .prepare<unknown[], LineColumns>(
        `INSERT INTO own_chat_line (channel, chat, author, text, key, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (channel, chat, key) DO UPDATE SET key = key RETURNING id, author, text, at`,
      )
      .get(this.#channel, chat, author, text, key, at)
    return toLine(row as LineColumns)
  }

  lines(chat: string, afterId: number, limit: number): readonly OwnChatLine[] {
    return this.#db
      .prepare<unknown[], LineColumns>(
        `SELECT id, author, text, at FROM own_chat_line WHERE channel = ? AND chat = ? AND id > ?
         ORDER BY id DESC LIMIT ?`,
      )
      .all(this.#channel, chat, afterId, limit)
      .reverse()
      .map(toLine)
  }
}

function toLine(row: LineColumns): OwnChatLine {
  return { id: row.id, author: row.author as OwnChatLine['author'], text: row.text, at: row.at as UnixMs }
}
