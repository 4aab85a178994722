import type Database from 'better-sqlite3'
import type { UnixMs } from '../../domain/ids.ts'
import type { ChatFile } from '../../domain/message.ts'
import type { Choice, OwnChatLine, OwnChatStore } from '../../domain/ports/channel.ts'

interface LineColumns {
  id: number
  author: string
  text: string
  at: number
  files: string
  choices: string
  changed: number
  reaction: string | null
}

const COLUMNS = 'id, author, text, at, files, choices, changed, reaction'

/** Lines of one channel that is its own platform. */
export class SqliteOwnChatStore implements OwnChatStore {
  readonly #db: Database.Database
  readonly #channel: string

  constructor(db: Database.Database, channel: string) {
    this.#db = db
    this.#channel = channel
  }

  append(
    chat: string,
    author: OwnChatLine['author'],
    text: string,
    key: string,
    at: UnixMs,
    files: readonly ChatFile[] = [],
    choices: readonly Choice[] = [],
  ): OwnChatLine {
    // The update that changes nothing makes RETURNING give the first line when the key is known.
    const row = this.#db
      .prepare<unknown[], LineColumns>(
        `INSERT INTO own_chat_line (channel, chat, author, text, key, at, files, choices)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (channel, chat, key) DO UPDATE SET key = key RETURNING ${COLUMNS}`,
      )
      .get(this.#channel, chat, author, text, key, at, JSON.stringify(files), JSON.stringify(choices))
    return toLine(row as LineColumns)
  }

  settle(chat: string, id: number, text: string): OwnChatLine | null {
    const row = this.#db
      .prepare<unknown[], LineColumns>(
        `UPDATE own_chat_line SET text = ?, choices = '[]', changed = 1
         WHERE channel = ? AND chat = ? AND id = ? AND author = 'agent' RETURNING ${COLUMNS}`,
      )
      .get(text, this.#channel, chat, id)
    return row ? toLine(row) : null
  }

  react(chat: string, key: string, emoji: string): OwnChatLine | null {
    const row = this.#db
      .prepare<unknown[], LineColumns>(
        `UPDATE own_chat_line SET reaction = ?, changed = 1
         WHERE channel = ? AND chat = ? AND key = ? AND author = 'user' RETURNING ${COLUMNS}`,
      )
      .get(emoji, this.#channel, chat, key)
    return row ? toLine(row) : null
  }

  lines(chat: string, afterId: number, limit: number): readonly OwnChatLine[] {
    return this.#db
      .prepare<unknown[], LineColumns>(
        `SELECT ${COLUMNS} FROM own_chat_line WHERE channel = ? AND chat = ? AND id > ?
         ORDER BY id DESC LIMIT ?`,
      )
      .all(this.#channel, chat, afterId, limit)
      .reverse()
      .map(toLine)
  }

  line(chat: string, id: number): OwnChatLine | null {
    const row = this.#db
      .prepare<unknown[], LineColumns>(
        `SELECT ${COLUMNS} FROM own_chat_line WHERE channel = ? AND chat = ? AND id = ?`,
      )
      .get(this.#channel, chat, id)
    return row ? toLine(row) : null
  }
}

function toLine(row: LineColumns): OwnChatLine {
  const author = row.author as OwnChatLine['author']
  const files = JSON.parse(row.files) as ChatFile[]
  const choices = JSON.parse(row.choices) as Choice[]
  return {
    id: row.id,
    author,
    text: row.text,
    at: row.at as UnixMs,
    ...(files.length === 0 ? {} : { files }),
    ...(choices.length === 0 ? {} : { choices }),
    ...(row.reaction === null ? {} : { reaction: row.reaction }),
    ...(row.changed === 1 ? { changed: true as const } : {}),
  }
}
