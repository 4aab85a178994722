import type { Overheard } from '@creel/protocol'
import type Database from 'better-sqlite3'
import type { HostWord } from '../../domain/host-word.ts'
import type { ChatId, GroupName, InboundId, UnixMs, UserId } from '../../domain/ids.ts'
import type { ChatAddress, InboundMessage } from '../../domain/message.ts'
import type { DispatchPlan, InboundRow, InboundState, InboundStore } from '../../domain/ports/stores.ts'
import { isUrgentText } from '../../domain/urgent-text.ts'
import { prepareAlbums } from './album.ts'
import { prepareAttach } from './attachment-insert.ts'
import { relaxedCommit } from './relaxed-sync.ts'
import { prepareRevise } from './revise-inbound.ts'
import { type InboundColumns, SELECT_INBOUND, selectInboundBy, toInboundRow } from './rows.ts'
import { Statements } from './statements.ts'
import { prepareTell } from './tell-insert.ts'

/** The newest message before this one that the group was given in the same chat; 0 when none. */
const LAST_GIVEN = `
  SELECT d.inbound_id FROM dispatch d JOIN inbound g ON g.id = d.inbound_id
  WHERE d.group_name = @group AND g.chat_id = @chatId AND d.inbound_id < @before AND d.command IS NULL
    AND d.aside IS NULL
    AND (@thread IS NULL OR g.thread = @thread)
  ORDER BY d.inbound_id DESC LIMIT 1`

/** Of a flood nothing is given; what was too old or is part of a summary is. */
export const NOT_REFUSED = `
  NOT EXISTS (SELECT 1 FROM dispatch r WHERE r.group_name = @group AND r.inbound_id = i.id AND r.aside IN ('rate', 'full'))`

/** Whether the group listens to the sender of `i`: what a stranger says could steer the agent (T11). */
export const LET_IN = `
  NOT EXISTS (SELECT 1 FROM role r WHERE r.user_id = i.sender_id AND r.role = 'denied' AND r.group_name IN ('', @group))
  AND (EXISTS (SELECT 1 FROM role r WHERE r.user_id = i.sender_id AND r.group_name IN ('', @group))
    OR EXISTS (SELECT 1 FROM binding b WHERE b.chat_id = i.chat_id AND b.group_name = @group AND b.senders = 'open'))`

// Put together once: a text made anew is hashed anew at each look into the prepared statements.
const OVERHEARD = `SELECT i.sender_id, i.sender_name, i.text, i.sent_at FROM inbound i
 WHERE i.chat_id = @chatId AND i.id < @before AND i.id > max(coalesce((${LAST_GIVEN}), 0), @since)
   AND i.state IN ('heard', 'routed') AND i.from_host = 0 AND (@thread IS NULL OR i.thread = @thread) AND ${NOT_REFUSED} AND ${LET_IN}
 ORDER BY i.id DESC LIMIT @limit`
const FIND = `${SELECT_INBOUND} WHERE i.id = ?`

export class SqliteInboundStore implements InboundStore {
  readonly #db: Database.Database
  readonly #statements: Statements
  readonly #transcribes: boolean
  readonly #inOneCommit: <T>(work: () => T) => T
  readonly #record: (message: InboundMessage, at: UnixMs) => 'new' | 'duplicate'
  readonly #tell: (word: HostWord, at: UnixMs) => 'new' | 'duplicate'
  readonly #nextNew: Database.Statement<[number], InboundColumns>
  readonly #nextUrgent: Database.Statement<[number], InboundColumns>
  readonly #setState: Database.Statement
  readonly #dispatch: Database.Statement
  readonly #sticky: Database.Statement
  readonly #chatsWithNew: Database.Statement<[], { chat_id: number }>

  /** `transcribes`: the words of voice messages are wanted before they are given to anybody. */
  constructor(db: Database.Database, { transcribes = false }: { transcribes?: boolean } = {}) {
    this.#db = db
    this.#transcribes = transcribes
    this.#statements = new Statements(db)
    this.#inOneCommit = db.transaction((work: () => unknown) => work()) as <T>(work: () => T) => T
    this.#record = this.#prepareRecord()
    this.#tell = db.transaction(prepareTell(db))
    this.#nextNew = db.prepare(
      `${selectInboundBy('inbound_new')} WHERE i.chat_id = ? AND i.state = 'new' ORDER BY i.id LIMIT 1`,
    )
    this.#nextUrgent = db.prepare(
      `${selectInboundBy('inbound_urgent')} WHERE i.chat_id = ? AND i.state = 'new' AND i.urgent = 1 ORDER BY i.id LIMIT 1`,
    )
    this.#setState = db.prepare('UPDATE inbound SET state = ?, reason = ? WHERE id = ?')
    this.#dispatch = db.prepare(
      `INSERT INTO dispatch (group_name, inbound_id, session, command, dispatched_at, bundle, aside, outcome,
         outcome_reason, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#sticky = db.prepare(
      `INSERT INTO sticky (binding_id, thread, opened_at) SELECT ?, thread, ? FROM inbound WHERE id = ?
       ON CONFLICT DO UPDATE SET opened_at = excluded.opened_at`,
    )
    this.#chatsWithNew = db.prepare(
      "SELECT chat_id FROM inbound WHERE state = 'new' GROUP BY chat_id ORDER BY min(id)",
    )
  }

  #prepareRecord(): (message: InboundMessage, at: UnixMs) => 'new' | 'duplicate' {
    const db = this.#db
    const chat = db.prepare(
      `INSERT INTO chat (channel, account, chat, kind, title, first_seen_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (channel, account, chat) DO UPDATE SET title = excluded.title, kind = excluded.kind
       WHERE title <> excluded.title OR kind <> excluded.kind`,
    )
    // What is unchanged is not written: each page that a message touches is synced with it.
    const person = db.prepare(
      `INSERT INTO person (id, name, is_bot, first_seen_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, is_bot = excluded.is_bot
       WHERE name <> excluded.name OR is_bot <> excluded.is_bot`,
    )
    const insert = db.prepare(
      `INSERT INTO inbound (chat_id, thread, platform_message_id, sender_id, sender_name, text, mentions_us,
                            sent_at, received_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chat_id, platform_message_id) DO NOTHING`,
    )
    const attach = prepareAttach(db, this.#transcribes)
    const joinAlbum = prepareAlbums(db)
    const revise = prepareRevise(db)
    const setQuote = db.prepare('UPDATE inbound SET quote_name = ?, quote_text = ? WHERE id = ?')
    const setLate = db.prepare('UPDATE inbound SET late_ms = ? WHERE id = ?')
    const setUrgent = db.prepare('UPDATE inbound SET urgent = 1 WHERE id = ?')
    return db.transaction((message: InboundMessage, at: UnixMs) => {
      const revision = message.edit === undefined ? { record: message } : revise(message, message.edit)
      if (typeof revision === 'string') return 'duplicate'
      const m = revision.record
      const { channel, account, chat: chatName, thread = '' } = m.address
      chat.run(channel, account, chatName, m.chatKind, m.chatTitle, at)
      const chatId = this.chatOf(m.address)
      person.run(m.sender.id, m.sender.name, m.sender.isBot ? 1 : 0, at)
      const result = insert.run(
        chatId,
        thread,
        m.platformMessageId,
        m.sender.id,
        m.sender.name,
        m.text,
        m.mentionsUs ? 1 : 0,
        m.sentAt,
        at,
      )
      if (result.changes !== 1 || chatId === undefined || chatId === null) return 'duplicate'
      const id = Number(result.lastInsertRowid)
      if (m.quote) setQuote.run(m.quote.name, m.quote.text, id)
      if (m.lateMs !== undefined) setLate.run(m.lateMs, id)
      if (isUrgentText(m.text)) setUrgent.run(id)
      attach(id, m.files ?? [])
      joinAlbum(id, chatId, m, at)
      return 'new'
    })
  }

  record(message: InboundMessage, at: UnixMs): 'new' | 'duplicate' {
    return this.#record(message, at)
  }

  tell(word: HostWord, at: UnixMs): 'new' | 'duplicate' {
    return this.#tell(word, at)
  }

  together<T>(work: () => T): T {
    return this.#inOneCommit(work)
  }

  chatOf({ channel, account, chat }: ChatAddress): ChatId | null {
    const row = this.#statements
      .prepare<[string, string, string], { id: number }>(
        'SELECT id FROM chat WHERE channel = ? AND account = ? AND chat = ?',
      )
      .get(channel, account, chat)
    return row ? (row.id as ChatId) : null
  }

  chatsWithNew(): readonly ChatId[] {
    return this.#chatsWithNew.all().map((row) => row.chat_id as ChatId)
  }

  nextNew(chatId: ChatId): InboundRow | null {
    const row = this.#nextUrgent.get(chatId) ?? this.#nextNew.get(chatId)
    return row ? toInboundRow(row) : null
  }

  routed(
    id: InboundId,
    state: Exclude<InboundState, 'new'>,
    reason: string | null,
    plans: readonly DispatchPlan[],
    at: UnixMs,
  ): void {
    const write = () => {
      this.#setState.run(state, reason, id)
      for (const plan of plans) {
        const { aside, bundle = null, command = null } = plan
        const over = aside !== undefined && aside.kind !== 'summary' ? aside.reason : null
        const end = over === null ? [null, null, null] : ['cancelled', over, at]
        this.#dispatch.run(plan.group, id, plan.session, command, at, bundle, aside?.kind ?? null, ...end)
        if (plan.openSticky) this.#sticky.run(plan.openSticky.bindingId, at, id)
      }
    }
    relaxedCommit(this.#db, this.#inOneCommit, write)
  }

  overheard(
    group: GroupName,
    row: InboundRow,
    perThread: boolean,
    limit: number,
    since: InboundId | null = null,
  ): readonly Overheard[] {
    const thread = perThread ? (row.address.thread ?? '') : null
    const rows = this.#statements
      .prepare<unknown[], { sender_id: string; sender_name: string; text: string; sent_at: number }>(
        OVERHEARD,
      )
      .all({ group, chatId: row.chatId, before: row.id, thread, limit, since: since ?? 0 })
    return rows.reverse().map((heard) => ({
      from: { id: heard.sender_id, name: heard.sender_name },
      text: heard.text,
      at: heard.sent_at,
    }))
  }

  release(of: { chatId: ChatId } | { senderId: UserId }): number {
    return this.#updateHeld("state = 'new', reason = NULL", [], of)
  }

  dropHeld(of: { chatId: ChatId } | { senderId: UserId }, reason: string): number {
    return this.#updateHeld("state = 'dropped', reason = ?", [reason], of)
  }

  #updateHeld(set: string, values: string[], of: { chatId: ChatId } | { senderId: UserId }): number {
    const [column, key] = 'chatId' in of ? ['chat_id', of.chatId] : ['sender_id', of.senderId]
    return this.#statements
      .prepare(`UPDATE inbound SET ${set} WHERE state = 'held' AND ${column} = ?`)
      .run(...values, key).changes
  }

  heldIn(chatId: ChatId): number {
    const row = this.#statements
      .prepare<[number], { n: number }>(
        "SELECT count(*) AS n FROM inbound INDEXED BY inbound_held WHERE state = 'held' AND chat_id = ?",
      )
      .get(chatId)
    return row?.n ?? 0
  }

  held(): readonly InboundRow[] {
    return this.#statements
      .prepare<[], InboundColumns>(`${SELECT_INBOUND} WHERE i.state = 'held' ORDER BY i.id LIMIT 1000`)
      .all()
      .map(toInboundRow)
  }

  find(id: InboundId): InboundRow | null {
    const row = this.#statements.prepare<[number], InboundColumns>(FIND).get(id)
    return row ? toInboundRow(row) : null
  }
}
