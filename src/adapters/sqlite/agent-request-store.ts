import type Database from 'better-sqlite3'
import {
  AGENT_CHANNEL,
  type AgentRequest,
  type Lineage,
  type NewAgentRequest,
  type RequestProgress,
} from '../../domain/agent-request.ts'
import type { HostWord } from '../../domain/host-word.ts'
import type { ChatId, GroupName, InboundId, UnixMs } from '../../domain/ids.ts'
import type { AgentRequests } from '../../domain/ports/agent-requests.ts'
import { Statements } from './statements.ts'
import { prepareTell } from './tell-insert.ts'

interface RequestColumns {
  id: number
  from_group: string
  from_session: string
  from_inbound: number
  to_group: string
  message: string
  asked_at: number
  state: string
  answer: string
  rounds: number
}

interface ProgressColumns extends RequestColumns {
  finished: number
  outcome: 'done' | 'failed' | 'cancelled' | null
  outcome_reason: string | null
}

interface LineageColumns {
  root: number
  request: number | null
  hop: number
  home_chat_id: number
  home_thread: string
}

const IN_TREE =
  'WITH RECURSIVE tree(id) AS (SELECT value FROM json_each(@list) UNION SELECT c.id FROM agent_request c JOIN tree t ON c.parent = t.id)'

/** Every turn of the request `r` is over, and what its agent asked of others is told. */
const FINISHED = `(
  NOT EXISTS (SELECT 1 FROM inbound i INDEXED BY inbound_by_request JOIN dispatch d ON d.inbound_id = i.id
              WHERE i.request_id = r.id AND d.outcome IS NULL)
  AND NOT EXISTS (SELECT 1 FROM agent_request c INDEXED BY agent_request_open_parent
                  WHERE c.parent = r.id AND c.state = 'open'))`

const PROGRESS = `
  SELECT r.*, ${FINISHED} AS finished, l.outcome, l.outcome_reason
  FROM agent_request r LEFT JOIN dispatch l ON l.group_name = r.to_group AND l.inbound_id = (
    SELECT max(i.id) FROM inbound i INDEXED BY inbound_by_request WHERE i.request_id = r.id)`

export class SqliteAgentRequests implements AgentRequests {
  readonly #db: Database.Database
  readonly #statements: Statements
  readonly #tellWord: (word: HostWord, at: UnixMs) => 'new' | 'duplicate'

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
    this.#tellWord = prepareTell(db)
  }

  add(request: NewAgentRequest, at: UnixMs): AgentRequest {
    return this.#db.transaction(() => {
      const known = this.byKey(request.key)
      if (known) return known
      const lineage = this.#lineage(request.fromInbound)
      if (!lineage) throw new Error(`no message ${request.fromInbound} to ask for`)
      return this.#insert(request, lineage, at)
    })()
  }

  #insert(request: NewAgentRequest, lineage: LineageColumns, at: UnixMs): AgentRequest {
    const { key, from, fromSession, to, message } = request
    const chatId = this.#chatFor(request, at)
    const inserted = this.#statements
      .prepare<[Record<string, unknown>], { id: number }>(
        `INSERT INTO agent_request (key, from_group, from_session, from_inbound, to_group, chat_id, message, root,
           home_chat_id, home_thread, parent, hop, asked_at, state)
         VALUES (@key, @from, @fromSession, @fromInbound, @to, @chatId, @message, @root, @homeChat, @homeThread,
           @parent, @hop, @at, 'open') RETURNING id`,
      )
      .get({
        ...{ key, from, fromSession, to, message, chatId, at, fromInbound: request.fromInbound },
        ...{ root: lineage.root, parent: lineage.request, hop: lineage.hop + 1 },
        ...{ homeChat: lineage.home_chat_id, homeThread: lineage.home_thread },
      })
    const id = inserted?.id ?? 0
    const { senderId, senderName } = request
    this.#tellWord(
      {
        ...{ chatId, thread: undefined, key: `agent:${key}`, senderId, senderName, text: message },
        ...{ group: to, session: `chat:${chatId}`, after: request.fromInbound, fromAgent: from },
      },
      at,
    )
    this.#statements
      .prepare('UPDATE inbound SET request_id = ? WHERE chat_id = ? AND platform_message_id = ?')
      .run(id, chatId, `host:agent:${key}`)
    const added = this.find(id)
    if (!added) throw new Error('the request was not recorded')
    return added
  }

  /** The conversation of the two; a name holds what no group's name can, so that none is another's. */
  #chatFor({ from, fromSession, to, fresh, key }: NewAgentRequest, at: UnixMs): ChatId {
    const name = fresh ? `${from} ${to} ${key}` : `${from} ${to} / ${fromSession}`
    const row = this.#statements
      .prepare<unknown[], { id: number }>(
        `INSERT INTO chat (channel, account, chat, kind, title, first_seen_at) VALUES (?, '', ?, 'private', ?, ?)
         ON CONFLICT (channel, account, chat) DO UPDATE SET title = excluded.title RETURNING id`,
      )
      .get(AGENT_CHANNEL, name, from, at)
    return (row?.id ?? 0) as ChatId
  }

  byKey(key: string): AgentRequest | null {
    return this.#one('SELECT * FROM agent_request WHERE key = ?', key)
  }

  find(id: number): AgentRequest | null {
    return this.#one('SELECT * FROM agent_request WHERE id = ?', id)
  }

  #one(sql: string, argument: unknown): AgentRequest | null {
    const row = this.#statements.prepare<unknown[], RequestColumns>(sql).get(argument)
    return row ? toRequest(row) : null
  }

  #lineage(message: InboundId): LineageColumns | undefined {
    return this.#statements
      .prepare<[number], LineageColumns>(
        `SELECT coalesce(i.root_id, i.id) AS root, i.request_id AS request, coalesce(r.hop, 0) AS hop,
                coalesce(r.home_chat_id, i.chat_id) AS home_chat_id, coalesce(r.home_thread, i.thread) AS home_thread
         FROM inbound i LEFT JOIN agent_request r ON r.id = i.request_id WHERE i.id = ?`,
      )
      .get(message)
  }

  lineageOf(message: InboundId): Lineage | null {
    const row = this.#lineage(message)
    if (!row) return null
    const count = this.#statements
      .prepare<[number], { n: number }>('SELECT count(*) AS n FROM agent_request WHERE root = ?')
      .get(row.root)
    return {
      root: row.root as InboundId,
      hop: row.hop,
      inTree: count?.n ?? 0,
      homeChatId: row.home_chat_id as ChatId,
    }
  }

  between(from: GroupName, to: GroupName, since: UnixMs): number {
    const row = this.#statements
      .prepare<[string, string, number], { n: number }>(
        'SELECT count(*) AS n FROM agent_request WHERE from_group = ? AND to_group = ? AND asked_at >= ?',
      )
      .get(from, to, since)
    return row?.n ?? 0
  }

  withWork(due: UnixMs): readonly number[] {
    return this.#statements
      .prepare<[number], { id: number }>(
        `SELECT min(r.id) AS id FROM agent_request r INDEXED BY agent_request_open WHERE r.state = 'open'
         GROUP BY r.from_group, r.from_inbound
         HAVING (min(${FINISHED}) = 1 OR min(r.asked_at) < ?)
           AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.group_name = r.from_group
                           AND d.inbound_id = r.from_inbound AND d.outcome IS NULL)`,
      )
      .all(due)
      .map(({ id }) => id)
  }

  openOf(from: GroupName, message: InboundId): readonly RequestProgress[] {
    return this.#statements
      .prepare<[string, number], ProgressColumns>(
        `${PROGRESS} WHERE r.state = 'open' AND r.from_group = ? AND r.from_inbound = ? ORDER BY r.id`,
      )
      .all(from, message)
      .map(toProgress)
  }

  ofSession(from: GroupName, session: string, limit: number): readonly RequestProgress[] {
    return this.#statements
      .prepare<[string, string, number], ProgressColumns>(
        `${PROGRESS} WHERE r.from_group = ? AND r.from_session = ? ORDER BY r.id DESC LIMIT ?`,
      )
      .all(from, session, limit)
      .map(toProgress)
  }

  tell(ids: readonly number[], word: HostWord | null, at: UnixMs, late: readonly number[]): void {
    this.#db.transaction(() => {
      const { changes } = this.#statements
        .prepare(
          `UPDATE agent_request SET state = 'told', rounds = rounds + 1
           WHERE state = 'open' AND id IN (SELECT value FROM json_each(?))`,
        )
        .run(JSON.stringify(ids))
      if (changes === 0) return
      if (word !== null) this.#tellWord(word, at)
      if (late.length > 0) this.cancel(late, at)
    })()
  }

  cancel(ids: readonly number[], at: UnixMs): void {
    const list = JSON.stringify(ids)
    this.#db.transaction(() => {
      this.#statements
        .prepare(
          `${IN_TREE} UPDATE agent_request SET state = 'cancelled' WHERE state = 'open' AND id IN (SELECT id FROM tree)`,
        )
        .run({ list })
      this.#statements
        .prepare(
          `${IN_TREE}, message(id) AS (SELECT i.id FROM inbound i JOIN tree t ON i.request_id = t.id)
           UPDATE dispatch SET outcome = 'cancelled', outcome_reason = 'not needed any more', settled_at = @at
           WHERE inbox_seq IS NULL AND outcome IS NULL AND inbound_id IN (SELECT id FROM message)`,
        )
        .run({ list, at })
      this.#statements
        .prepare('UPDATE agent_request SET stopping = 1 WHERE id IN (SELECT value FROM json_each(?))')
        .run(list)
    })()
  }

  stopping(): readonly number[] {
    return this.#statements
      .prepare<[], { id: number }>('SELECT id FROM agent_request WHERE stopping = 1 ORDER BY id')
      .all()
      .map(({ id }) => id)
  }

  turnsOf(id: number): readonly { group: GroupName; inboxSeq: number }[] {
    return this.#statements
      .prepare<[object], { group_name: string; inbox_seq: number }>(
        `${IN_TREE} SELECT d.group_name, d.inbox_seq FROM inbound i JOIN tree t ON i.request_id = t.id
         JOIN dispatch d ON d.inbound_id = i.id WHERE d.outcome IS NULL AND d.inbox_seq IS NOT NULL`,
      )
      .all({ list: JSON.stringify([id]) })
      .map((row) => ({ group: row.group_name as GroupName, inboxSeq: row.inbox_seq }))
  }

  stopped(id: number): void {
    this.#statements.prepare('UPDATE agent_request SET stopping = 0 WHERE id = ?').run(id)
  }

  openFor(home: ChatId): readonly number[] {
    return this.#statements
      .prepare<[number], { id: number }>(
        "SELECT id FROM agent_request WHERE state = 'open' AND home_chat_id = ? ORDER BY id",
      )
      .all(home)
      .map(({ id }) => id)
  }

  homeOf(chat: ChatId): { chatId: ChatId; thread: string | undefined; to: GroupName } | null {
    const row = this.#statements
      .prepare<[number], { home_chat_id: number; home_thread: string; to_group: string }>(
        'SELECT home_chat_id, home_thread, to_group FROM agent_request WHERE chat_id = ? ORDER BY id DESC LIMIT 1',
      )
      .get(chat)
    if (!row) return null
    const thread = row.home_thread === '' ? undefined : row.home_thread
    return { chatId: row.home_chat_id as ChatId, thread, to: row.to_group as GroupName }
  }
}

function toRequest(row: RequestColumns): AgentRequest {
  return {
    id: row.id,
    from: row.from_group as GroupName,
    fromSession: row.from_session,
    fromInbound: row.from_inbound as InboundId,
    to: row.to_group as GroupName,
    message: row.message,
    askedAt: row.asked_at as UnixMs,
    state: row.state as AgentRequest['state'],
    answer: row.answer,
    rounds: row.rounds,
  }
}

function toProgress(row: ProgressColumns): RequestProgress {
  const { finished, outcome, outcome_reason: reason } = row
  return { ...toRequest(row), finished: finished === 1, outcome, reason }
}
