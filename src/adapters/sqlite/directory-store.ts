import type { QueueMode } from '@creel/protocol'
import type Database from 'better-sqlite3'
import { AGENT_CHANNEL } from '../../domain/agent-request.ts'
import type { Binding, EngageMode, FullPolicy, SenderPolicy, SessionMode } from '../../domain/binding.ts'
import type { ChatId, GroupName, UnixMs } from '../../domain/ids.ts'
import type { ChatAddress, ChatKind } from '../../domain/message.ts'
import type { BindingSettings, ChatRow, DirectoryStore } from '../../domain/ports/stores.ts'
import { type ChatColumns, toChatRow, UNSENT } from './rows.ts'
import { Statements } from './statements.ts'

interface BindingColumns {
  id: number
  chat_id: number
  group_name: string
  engage: string
  pattern: string | null
  session: string
  senders: string
  queue: string
  when_full: string
  debounce_ms: number
}

const SELECT_CHAT = 'SELECT id, channel, account, chat, kind, title, denied FROM chat'
const BINDING = 'id, chat_id, group_name, engage, pattern, session, senders, queue, when_full, debounce_ms'
const SELECT_BINDING = `SELECT ${BINDING} FROM binding`

export class SqliteDirectoryStore implements DirectoryStore {
  readonly #db: Database.Database
  readonly #statements: Statements
  readonly #bindings: Database.Statement<[number], BindingColumns>

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
    this.#bindings = db.prepare(`${SELECT_BINDING} WHERE chat_id = ? ORDER BY id`)
  }

  chats(): readonly ChatRow[] {
    return this.#statements
      .prepare<[], ChatColumns>(`${SELECT_CHAT} WHERE channel <> '${AGENT_CHANNEL}' ORDER BY id`)
      .all()
      .map(toChatRow)
  }

  chat(id: ChatId): ChatRow | null {
    const row = this.#statements.prepare<[number], ChatColumns>(`${SELECT_CHAT} WHERE id = ?`).get(id)
    return row ? toChatRow(row) : null
  }

  chatFor(address: ChatAddress, kind: ChatKind, title: string, at: UnixMs): ChatRow {
    const known = this.#statements
      .prepare<[string, string, string], ChatColumns>(
        `${SELECT_CHAT} WHERE channel = ? AND account = ? AND chat = ?`,
      )
      .get(address.channel, address.account, address.chat)
    // A write is a sync, and a start asks for two chats of each group.
    if (known?.title === title) return toChatRow(known)
    const row = this.#statements
      .prepare<unknown[], ChatColumns>(
        `INSERT INTO chat (channel, account, chat, kind, title, first_seen_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (channel, account, chat) DO UPDATE SET title = excluded.title
         RETURNING id, channel, account, chat, kind, title, denied`,
      )
      .get(address.channel, address.account, address.chat, kind, title, at)
    return toChatRow(row as ChatColumns)
  }

  setDenied(chatId: ChatId, denied: boolean): void {
    this.#statements.prepare('UPDATE chat SET denied = ? WHERE id = ?').run(denied ? 1 : 0, chatId)
  }

  moveChat(channel: string, account: string, fromChat: string, toChat: string): void {
    const find = this.#statements.prepare<unknown[], { id: number }>(
      'SELECT id FROM chat WHERE channel = ? AND account = ? AND chat = ?',
    )
    this.#db.transaction(() => {
      const from = find.get(channel, account, fromChat)
      if (!from) return
      const to = find.get(channel, account, toChat)
      if (to) {
        this.#statements
          .prepare('UPDATE OR IGNORE binding SET chat_id = ? WHERE chat_id = ?')
          .run(to.id, from.id)
        this.#statements
          .prepare(`UPDATE delivery SET chat_id = ? WHERE chat_id = ? AND ${UNSENT}`)
          .run(to.id, from.id)
        // Turns that run answer to where their message stands; what waits is routed by the bindings that moved.
        this.#statements
          .prepare('UPDATE OR IGNORE inbound SET chat_id = ? WHERE chat_id = ?')
          .run(to.id, from.id)
        this.#statements.prepare('UPDATE task SET chat_id = ? WHERE chat_id = ?').run(to.id, from.id)
      } else this.#statements.prepare('UPDATE chat SET chat = ? WHERE id = ?').run(toChat, from.id)
    })()
  }

  bindings(chatId: ChatId): readonly Binding[] {
    return this.#bindings.all(chatId).map(toBinding)
  }

  allBindings(): readonly Binding[] {
    return this.#statements
      .prepare<[], BindingColumns>(`${SELECT_BINDING} ORDER BY chat_id, id`)
      .all()
      .map(toBinding)
  }

  bindingsOf(group: GroupName): readonly Binding[] {
    return this.#statements
      .prepare<[string], BindingColumns>(`${SELECT_BINDING} WHERE group_name = ? ORDER BY chat_id, id`)
      .all(group)
      .map(toBinding)
  }

  bind(chatId: ChatId, group: GroupName, settings: BindingSettings, at: UnixMs): Binding {
    const row = this.#statements
      .prepare<unknown[], BindingColumns>(
        `INSERT INTO binding (chat_id, group_name, engage, pattern, session, senders, queue, when_full, debounce_ms,
           created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (chat_id, group_name) DO UPDATE SET engage = excluded.engage, pattern = excluded.pattern,
           session = excluded.session, senders = excluded.senders, queue = excluded.queue,
           when_full = excluded.when_full, debounce_ms = excluded.debounce_ms
         RETURNING ${BINDING}`,
      )
      .get(
        chatId,
        group,
        settings.engage,
        settings.pattern ?? null,
        settings.session,
        settings.senders,
        settings.queue,
        settings.whenFull ?? 'keep',
        settings.debounceMs ?? 0,
        at,
      )
    return toBinding(row as BindingColumns)
  }

  unbind(chatId: ChatId, group: GroupName | null): number {
    return this.#statements
      .prepare('DELETE FROM binding WHERE chat_id = ? AND (? IS NULL OR group_name = ?)')
      .run(chatId, group, group).changes
  }

  groupsWithOwnChat(channel: string, account: string): ReadonlySet<GroupName> {
    const rows = this.#statements
      .prepare<[string, string], { group_name: string }>(
        `SELECT b.group_name FROM chat c JOIN binding b ON b.chat_id = c.id AND b.group_name = c.chat
         WHERE c.channel = ? AND c.account = ?`,
      )
      .all(channel, account)
    return new Set(rows.map((row) => row.group_name as GroupName))
  }

  inOneCommit(work: () => void): void {
    this.#db.transaction(work)()
  }

  stickyOpen(bindingId: number, thread: string): boolean {
    return (
      this.#statements
        .prepare('SELECT 1 FROM sticky WHERE binding_id = ? AND thread = ?')
        .get(bindingId, thread) !== undefined
    )
  }
}

function toBinding(row: BindingColumns): Binding {
  return {
    id: row.id,
    chatId: row.chat_id as ChatId,
    group: row.group_name as GroupName,
    engage: row.engage as EngageMode,
    session: row.session as SessionMode,
    senders: row.senders as SenderPolicy,
    queue: row.queue as QueueMode,
    whenFull: row.when_full as FullPolicy,
    debounceMs: row.debounce_ms,
    ...(row.pattern === null ? {} : { pattern: row.pattern }),
  }
}
