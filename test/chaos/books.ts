import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

const NOT_BEGUN = 'messages that were settled without being begun'

/** What one agent asks another one is ended when it takes too long, which it does when the clock jumps. */
const NOT_ENDED = `NOT (outcome = 'cancelled' AND inbound_id IN (SELECT id FROM inbound WHERE request_id IS NOT NULL))`

/** Counts over the host's own tables, each to be 0 for a world at rest. */
const MUST_BE_NONE: readonly (readonly [what: string, sql: string])[] = [
  [
    'messages that are routed to nobody',
    "SELECT count(*) FROM inbound WHERE state = 'routed' AND id NOT IN (SELECT inbound_id FROM dispatch)",
  ],
  [
    'messages that were settled without standing in an inbox',
    `SELECT count(*) FROM dispatch WHERE inbox_seq IS NULL AND aside IS NULL AND ${NOT_ENDED}`,
  ],
  [
    NOT_BEGUN,
    `
    SELECT count(*) FROM dispatch WHERE (attempts < 1 OR accepted_at IS NULL OR settled_at IS NULL) AND aside IS NULL
      AND ${NOT_ENDED}`,
  ],
  [
    'answers to a message that their agent was not given',
    `
    SELECT count(*) FROM delivery WHERE group_name IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM dispatch WHERE dispatch.group_name = delivery.group_name AND dispatch.inbox_seq = delivery.inbox_seq)`,
  ],
  [
    'settled messages without an answer',
    `
    SELECT count(*) FROM dispatch WHERE aside IS NULL AND bundle IS NULL AND NOT EXISTS (
      SELECT 1 FROM delivery WHERE delivery.group_name = dispatch.group_name AND delivery.inbox_seq = dispatch.inbox_seq)
    AND inbound_id NOT IN (SELECT inbound_id FROM task_run WHERE inbound_id IS NOT NULL)
    AND inbound_id NOT IN (SELECT id FROM inbound WHERE request_id IS NOT NULL)`,
  ],
  ['calls of tools that were not answered', 'SELECT count(*) FROM host_call WHERE told = 0'],
  [
    'requests between agents that were made twice',
    'SELECT count(*) FROM (SELECT 1 FROM agent_request GROUP BY from_inbound HAVING count(*) > 1)',
  ],
  [
    'requests between agents whose asker was not told once',
    `
    SELECT count(*) FROM agent_request AS r WHERE state <> 'told' OR stopping = 1 OR rounds <> 1
      OR (SELECT count(*) FROM inbound WHERE platform_message_id = 'host:agents:' || r.id || '.0') <> 1`,
  ],
  [
    'tasks that were made twice',
    'SELECT count(*) FROM (SELECT 1 FROM task GROUP BY group_name, chat_id, name HAVING count(*) > 1)',
  ],
  [
    'tasks that did not run once',
    `
    SELECT count(*) FROM task WHERE state <> 'done'
      OR (SELECT count(*) FROM task_run WHERE task_id = task.id AND inbound_id IS NOT NULL) <> 1`,
  ],
  [
    'messages that were given as one with a message that does not know of them, or the other way round',
    `
    SELECT abs((SELECT coalesce(sum(stands_for), 0) FROM dispatch) - (SELECT count(*) FROM dispatch WHERE aside = 'summary'))`,
  ],
  [
    'decided asks that nobody was told of',
    "SELECT count(*) FROM approval WHERE state <> 'asked' AND (told = 0 OR card_settled = 0)",
  ],
  [
    'sent answers without the id that their platform gave',
    "SELECT count(*) FROM delivery WHERE state IN ('accepted', 'confirmed') AND platform_message_id IS NULL",
  ],
  [
    'files that somebody waits for',
    `
    SELECT count(*) FROM attachment WHERE state = 'wanted' AND EXISTS (
      SELECT 1 FROM dispatch WHERE dispatch.inbound_id = attachment.inbound_id AND dispatch.aside IS NULL)`,
  ],
]

const NOT_UNBOUNDED: (typeof MUST_BE_NONE)[number] = [
  'messages that share a turn though nothing is bounded',
  'SELECT count(*) FROM dispatch WHERE bundle IS NOT NULL OR stands_for > 0',
]

/** Whether the host's tables, the mailboxes and the folders of files say the same. For a world at rest. */
export function judgeBooks(db: Database.Database, dataDir: string, bounded: boolean): string[] {
  const found: string[] = []
  for (const [what, sql] of bounded ? MUST_BE_NONE : [...MUST_BE_NONE, NOT_UNBOUNDED]) {
    const count = db.prepare<[], number>(sql).pluck().get() ?? 0
    if (count > 0) found.push(`${count} ${what}`)
    if (count > 0 && what === NOT_BEGUN) found.push(...notBegun(db))
  }
  const sound = String(db.pragma('integrity_check(1)', { simple: true }))
  if (sound !== 'ok') found.push(`host.db: ${sound}`)
  if ((db.pragma('foreign_key_check') as unknown[]).length > 0) found.push('host.db: rows refer to nothing')
  const cursors = db.prepare<[], [string, number]>('SELECT group_name, seq FROM outbox_cursor').raw().all()
  for (const [group, cursor] of cursors) found.push(...judgeMailbox(db, dataDir, group, cursor))
  return [...found, ...judgeFiles(db, dataDir)]
}

/** Which they are: what came of them tells what went wrong. */
function notBegun(db: Database.Database): string[] {
  const rows = db
    .prepare<[], object>(
      `SELECT d.inbound_id, d.inbox_seq, d.attempts, d.accepted_at, d.settled_at, d.outcome, d.outcome_reason,
         i.from_host, substr(i.text, 1, 80) AS text
       FROM dispatch d JOIN inbound i ON i.id = d.inbound_id
       WHERE (d.attempts < 1 OR d.accepted_at IS NULL OR d.settled_at IS NULL) AND d.aside IS NULL LIMIT 5`,
    )
    .all()
  return rows.map((row) => `settled without being begun: ${JSON.stringify(row)}`)
}

/** Both logs of a group end where the host's tables say. */
function judgeMailbox(db: Database.Database, dataDir: string, group: string, cursor: number): string[] {
  const written = lastOf(join(dataDir, 'mail', group, 'out', 'outbox.db'))
  const given = lastOf(join(dataDir, 'mail', group, 'in', 'inbox.db'))
  const placed = db
    .prepare<[string], number>('SELECT max(inbox_seq) FROM dispatch WHERE group_name = ?')
    .pluck()
    .get(group)
  return [
    ...(written === cursor ? [] : [`${group}: its outbox ends at ${written}, the host has taken ${cursor}`]),
    ...(given >= (placed ?? 0) ? [] : [`${group}: its inbox ends at ${given}, the tables at ${placed}`]),
  ]
}

function lastOf(file: string): number {
  const log = new Database(file, { readonly: true, timeout: 5_000 })
  try {
    return log.prepare<[], number>('SELECT coalesce(max(seq), 0) FROM entry').pluck().get() ?? 0
  } finally {
    log.close()
  }
}

/** Every file that a table names is kept; nothing half taken lies about. */
function judgeFiles(db: Database.Database, dataDir: string): string[] {
  const named = db
    .prepare<[], string>(
      'SELECT sha256 FROM attachment WHERE sha256 IS NOT NULL UNION SELECT file FROM delivery WHERE file IS NOT NULL',
    )
    .pluck()
    .all()
  if (named.length === 0) return []
  const files = join(dataDir, 'files')
  const kept = new Set(readdirSync(files, { recursive: true }).map((name) => String(name).split('/').at(-1)))
  const lost = named.filter((hash) => !kept.has(hash))
  return lost.length === 0 ? [] : [`${lost.length} of ${named.length} files that tables name are not kept`]
}
