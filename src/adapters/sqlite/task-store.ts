import type Database from 'better-sqlite3'
import type { ChatId, GroupName, InboundId, UnixMs, UserId } from '../../domain/ids.ts'
import type { Claim, TaskStore } from '../../domain/ports/tasks.ts'
import type {
  Due,
  Misfire,
  NewTask,
  Schedule,
  Task,
  TaskPlan,
  TaskRun,
  TaskState,
} from '../../domain/task.ts'
import { Statements } from './statements.ts'
import { prepareTell } from './tell-insert.ts'

interface TaskColumns {
  id: number
  group_name: string
  name: string
  prompt: string
  schedule: string
  zone: string
  misfire: string
  jitter_s: number
  script: string | null
  script_s: number
  chat_id: number
  thread: string
  created_by: string
  created_by_name: string
  created_at: number
  state: string
  reason: string | null
  due_at: number | null
  fire_at: number | null
  after_talk: number
}

interface RunColumns {
  due_at: number
  at: number
  inbound_id: number | null
  reason: string | null
  accepted_at: number | null
  outcome: 'done' | 'failed' | 'cancelled' | null
  outcome_reason: string | null
  settled_at: number | null
}

const OPEN = "state IN ('active', 'paused')"

export class SqliteTaskStore implements TaskStore {
  readonly #db: Database.Database
  readonly #statements: Statements
  readonly #tell: ReturnType<typeof prepareTell>

  constructor(db: Database.Database) {
    this.#db = db
    this.#statements = new Statements(db)
    this.#tell = prepareTell(db)
  }

  add({ due, ...task }: NewTask): Task {
    return this.#db.transaction(() => {
      this.#statements
        .prepare(
          `INSERT INTO task (key, group_name, name, prompt, schedule, zone, misfire, jitter_s, script, script_s, chat_id,
             thread, created_by, created_by_name, created_at, state, due_at, fire_at, after_talk)
           VALUES (@key, @group, @name, @prompt, @schedule, @zone, @misfire, @jitterS, @script, @scriptS, @chatId,
             @thread, @createdBy, @createdByName, @createdAt, 'active', @dueAt, @fireAt, @afterTalk)
           ON CONFLICT (key) DO NOTHING`,
        )
        .run({
          ...task,
          ...columnsOf(task, due),
          thread: task.thread ?? '',
          afterTalk: task.afterTalk ? 1 : 0,
        })
      const [added] = this.#tasks('WHERE key = ?', task.key)
      if (!added) throw new Error(`the task ${task.key} was not added`)
      return added
    })()
  }

  find(id: number): Task | null {
    return this.#tasks('WHERE id = ?', id)[0] ?? null
  }

  list(
    { group, open }: { readonly group?: GroupName; readonly open: boolean },
    limit: number,
  ): readonly Task[] {
    return this.#tasks(
      `WHERE (@group IS NULL OR group_name = @group) AND (NOT @open OR ${OPEN}) ORDER BY id LIMIT @limit`,
      { group: group ?? null, open: open ? 1 : 0, limit },
    )
  }

  countOpen(group: GroupName): number {
    const row = this.#statements
      .prepare<[string], { n: number }>(`SELECT count(*) AS n FROM task WHERE group_name = ? AND ${OPEN}`)
      .get(group)
    return row?.n ?? 0
  }

  groupsDue(at: UnixMs): readonly GroupName[] {
    return this.#statements
      .prepare<[number], { group_name: string }>(
        "SELECT group_name FROM task WHERE state = 'active' AND fire_at <= ? GROUP BY group_name ORDER BY min(fire_at)",
      )
      .all(at)
      .map((row) => row.group_name as GroupName)
  }

  due(group: GroupName, at: UnixMs, limit: number): readonly Task[] {
    return this.#tasks(
      "WHERE state = 'active' AND fire_at <= ? AND group_name = ? ORDER BY fire_at, id LIMIT ?",
      ...[at, group, limit],
    )
  }

  isAtWork(id: number): boolean {
    return (
      this.#statements
        .prepare(
          `SELECT 1 FROM task_run r JOIN dispatch d ON d.inbound_id = r.inbound_id
           WHERE r.task_id = ? AND d.outcome IS NULL LIMIT 1`,
        )
        .get(id) !== undefined
    )
  }

  hasHeard({ id, group }: Pick<Task, 'id' | 'group'>): boolean {
    return (
      this.#statements
        .prepare(
          `SELECT 1 FROM dispatch d JOIN inbound i ON i.id = d.inbound_id
           WHERE d.group_name = ? AND i.from_host = 0 AND i.received_at >= coalesce(
             (SELECT max(at) FROM task_run WHERE task_id = ? AND inbound_id IS NOT NULL), 0) LIMIT 1`,
        )
        .get(group, id) !== undefined
    )
  }

  claim(claims: readonly Claim[], at: UnixMs): number {
    const current = this.#statements.prepare<[number, number | null], { id: number }>(
      "SELECT id FROM task WHERE id = ? AND state = 'active' AND due_at IS ?",
    )
    const move = this.#statements.prepare(
      'UPDATE task SET state = ?, reason = ?, due_at = ?, fire_at = ? WHERE id = ?',
    )
    return this.#db.transaction(() => {
      let begun = 0
      for (const { task, next, state, reason, ...runs } of claims) {
        if (!current.get(task.id, task.due?.dueAt ?? null)) continue
        for (const { dueAt, word } of runs.begun) if (this.#begin(task.id, dueAt, word, at)) begun += 1
        for (const skipped of runs.skipped) this.#run(task.id, skipped.dueAt, at, null, skipped.reason)
        move.run(state, reason, next?.dueAt ?? null, next?.fireAt ?? null, task.id)
      }
      return begun
    })()
  }

  begin(id: number, { dueAt, word }: Claim['begun'][number], at: UnixMs): boolean {
    return this.#db.transaction(() => this.#begin(id, dueAt, word, at))()
  }

  #begin(id: number, dueAt: UnixMs, word: Claim['begun'][number]['word'], at: UnixMs): boolean {
    if (this.#tell(word, at) === 'duplicate') return false
    const row = this.#statements
      .prepare<[number, string], { id: number }>(
        'SELECT id FROM inbound WHERE chat_id = ? AND platform_message_id = ?',
      )
      .get(word.chatId, `host:${word.key}`)
    return row !== undefined && this.#run(id, dueAt, at, row.id, null)
  }

  #run(id: number, dueAt: UnixMs, at: UnixMs, inbound: number | null, reason: string | null): boolean {
    return (
      this.#statements
        .prepare(
          `INSERT INTO task_run (task_id, due_at, at, inbound_id, reason) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (task_id, due_at) DO NOTHING`,
        )
        .run(id, dueAt, at, inbound, reason).changes > 0
    )
  }

  change(id: number, plan: TaskPlan, due: Due | null): boolean {
    return this.#changed(
      `UPDATE task SET name = @name, prompt = @prompt, schedule = @schedule, zone = @zone, misfire = @misfire,
         jitter_s = @jitterS, script = @script, script_s = @scriptS, due_at = @dueAt, fire_at = @fireAt
       WHERE id = @id AND ${OPEN}`,
      { ...plan, ...columnsOf(plan, due), id },
    )
  }

  setState(id: number, state: TaskState, due: Due | null): boolean {
    return this.#changed(
      `UPDATE task SET state = ?, due_at = ?, fire_at = ?, reason = NULL
       WHERE id = ? AND (${OPEN} OR (state = 'failed' AND ? IN ('active', 'cancelled')))`,
      ...[state, due?.dueAt ?? null, due?.fireAt ?? null, id, state],
    )
  }

  runs(id: number, limit: number): readonly TaskRun[] {
    return this.#statements
      .prepare<[number, number], RunColumns>(
        `SELECT r.due_at, r.at, r.inbound_id, r.reason, d.accepted_at, d.outcome, d.outcome_reason, d.settled_at
         FROM task_run r LEFT JOIN dispatch d ON d.inbound_id = r.inbound_id
         WHERE r.task_id = ? ORDER BY r.id DESC LIMIT ?`,
      )
      .all(id, limit)
      .map(toRun)
  }

  ofInbound(id: InboundId): Task | null {
    return this.#tasks('WHERE id = (SELECT task_id FROM task_run WHERE inbound_id = ?)', id)[0] ?? null
  }

  overdue(before: UnixMs, limit: number): readonly Task[] {
    return this.#tasks("WHERE state = 'active' AND fire_at < ? ORDER BY fire_at LIMIT ?", before, limit)
  }

  inChat(chatId: ChatId): readonly Task[] {
    return this.#tasks(`WHERE chat_id = ? AND ${OPEN} ORDER BY id`, chatId)
  }

  #tasks(where: string, ...args: unknown[]): Task[] {
    return this.#statements
      .prepare<unknown[], TaskColumns>(`SELECT * FROM task ${where}`)
      .all(...args)
      .map(toTask)
  }

  #changed(sql: string, ...args: unknown[]): boolean {
    return this.#statements.prepare(sql).run(...args).changes > 0
  }
}

function columnsOf(plan: TaskPlan, due: Due | null) {
  return {
    schedule: JSON.stringify(plan.schedule),
    dueAt: due?.dueAt ?? null,
    fireAt: due?.fireAt ?? null,
  }
}

function toTask(row: TaskColumns): Task {
  return {
    ...{ id: row.id, group: row.group_name as GroupName, name: row.name, prompt: row.prompt },
    schedule: JSON.parse(row.schedule) as Schedule,
    ...{ zone: row.zone, misfire: row.misfire as Misfire, jitterS: row.jitter_s },
    ...{ script: row.script, scriptS: row.script_s, chatId: row.chat_id as ChatId },
    thread: row.thread === '' ? undefined : row.thread,
    ...{ createdBy: row.created_by as UserId, createdByName: row.created_by_name },
    createdAt: row.created_at as UnixMs,
    ...(row.after_talk === 1 ? { afterTalk: true } : {}),
    ...{ state: row.state as TaskState, reason: row.reason },
    due:
      row.due_at === null || row.fire_at === null
        ? null
        : { dueAt: row.due_at as UnixMs, fireAt: row.fire_at as UnixMs },
  }
}

function toRun(row: RunColumns): TaskRun {
  const { inbound_id, outcome, accepted_at, reason, outcome_reason } = row
  const going = accepted_at === null ? 'waiting' : 'running'
  return {
    ...{ dueAt: row.due_at as UnixMs, at: row.at as UnixMs, inboundId: inbound_id as InboundId | null },
    state: inbound_id === null ? 'skipped' : (outcome ?? going),
    reason: reason ?? outcome_reason,
    endedAt: row.settled_at as UnixMs | null,
  }
}
