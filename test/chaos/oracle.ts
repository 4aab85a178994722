import { join } from 'node:path'
import Database from 'better-sqlite3'
import { judgeBooks } from './books.ts'
import { answerOf, type Platforms } from './platform.ts'

/** What was found wrong; empty = nothing was lost, doubled or left over. */
export type Complaints = readonly string[]

interface MessageRow {
  readonly channel: string
  readonly chat: string
  readonly message: string
  readonly state: string
  readonly dispatches: number
  readonly outcome: string | null
  readonly reason: string | null
}

interface DeliveryRow {
  readonly channel: string
  readonly chat: string
  readonly part: string
  readonly state: string
  readonly ambiguous: number
  readonly reason: string | null
}

const SHOWN_COMPLAINTS = 40
/** Platforms that show a message again when it is sent again. */
const MAY_DOUBLE: ReadonlySet<string> = new Set(['telegram'])

/** Whether everything said so far has been worked off: nothing waits anywhere. */
export function isSettled(platforms: Platforms, dataDir: string): boolean {
  if (platforms.waiting > 0) return false
  return withTables(dataDir, (db) => {
    const count = (sql: string) => db.prepare<[], { n: number }>(sql).get()?.n ?? 0
    return (
      count("SELECT count(*) AS n FROM inbound WHERE state = 'new'") === 0 &&
      count('SELECT count(*) AS n FROM dispatch WHERE outcome IS NULL') === 0 &&
      count(
        "SELECT count(*) AS n FROM delivery WHERE state IN ('queued', 'sending', 'unknown_after_send')",
      ) === 0
    )
  })
}

/**
 * Compares what people said with what they were shown, and both with the tables. Only for a world at rest
 * (`isSettled`); what is still on its way would be reported as lost.
 */
export function complaintsAbout(platforms: Platforms, dataDir: string): Complaints {
  const found: string[] = []
  withTables(dataDir, (db) => {
    const inbound = db.prepare<[], MessageRow>(MESSAGES).all()
    const deliveries = db.prepare<[], DeliveryRow>(DELIVERIES).all()
    found.push(...judgeInbound(platforms, inbound))
    found.push(...judgeDeliveries(deliveries))
    found.push(...judgeShown(platforms, deliveries))
    found.push(...judgeMail(db), ...judgeBooks(db, dataDir))
  })
  return found.length <= SHOWN_COMPLAINTS
    ? found
    : [...found.slice(0, SHOWN_COMPLAINTS), `… and ${found.length - SHOWN_COMPLAINTS} more`]
}

const MESSAGES = `
  SELECT chat.channel, chat.chat, inbound.platform_message_id AS message, inbound.state,
    (SELECT count(*) FROM dispatch WHERE inbound_id = inbound.id) AS dispatches,
    (SELECT outcome FROM dispatch WHERE inbound_id = inbound.id) AS outcome,
    (SELECT outcome_reason FROM dispatch WHERE inbound_id = inbound.id) AS reason
  FROM inbound JOIN chat ON chat.id = inbound.chat_id`

const DELIVERIES = `
  SELECT chat.channel, chat.chat, part, state, ambiguous, reason
  FROM delivery JOIN chat ON chat.id = delivery.chat_id ORDER BY delivery.id`

/** Each message is on record once, was given to one group, and was settled as done. */
function judgeInbound(platforms: Platforms, rows: readonly MessageRow[]): string[] {
  const found: string[] = []
  const byChat = Map.groupBy(rows, ({ channel, chat }) => `${channel}:${chat}`)
  for (const [key, said] of platforms.said) {
    const kept = byChat.get(key) ?? []
    if (kept.length !== said)
      found.push(`${key}: ${said} messages said, ${kept.length} on record: lost or doubled`)
  }
  for (const row of rows) {
    const name = `${row.channel}:${row.chat} message ${row.message}`
    if (row.state !== 'routed' || row.dispatches !== 1)
      found.push(`${name}: state ${row.state}, given to ${row.dispatches} groups`)
    else if (row.outcome !== 'done')
      found.push(`${name}: not settled as done: ${row.outcome} (${row.reason})`)
  }
  return found
}

/** One answer was made for each message: a turn that ran twice would have made two. */
function judgeDeliveries(rows: readonly DeliveryRow[]): string[] {
  const found: string[] = []
  const made = new Map<string, number>()
  for (const row of rows) {
    const answer = answerOf(row.part)
    const name = `${row.channel}:${row.chat}: “${row.part.slice(0, 60)}”`
    if (row.ambiguous === 1 && !MAY_DOUBLE.has(row.channel))
      found.push(`${name} is marked as possibly doubled on a channel that knows its key`)
    if (row.state !== 'accepted' && row.state !== 'confirmed')
      found.push(`${name} ended as ${row.state} (${row.reason}): lost`)
    if (answer === null) continue
    const key = `${row.channel}:${row.chat}:${answer}`
    made.set(key, (made.get(key) ?? 0) + 1)
    if (made.get(key) === 2) found.push(`${name} was made twice: a doubled turn`)
  }
  return found
}

/** Runners said nothing that no message was given for: a turn of a message that stands in the inbox twice would have. */
function judgeMail(db: Database.Database): string[] {
  const rows = db
    .prepare<[], { name: string; rejected: number }>(
      'SELECT group_name AS name, rejected FROM outbox_cursor WHERE rejected > 0',
    )
    .all()
  return rows.map(({ name, rejected }) => `${name}: ${rejected} entries were refused: a doubled turn`)
}

/** Each answer was shown, in order, and twice only where the tables say that it may stand there twice. */
function judgeShown(platforms: Platforms, deliveries: readonly DeliveryRow[]): string[] {
  const found: string[] = []
  const ambiguous = new Set(
    deliveries
      .filter((row) => row.ambiguous === 1)
      .map((row) => `${row.channel}:${row.chat}:${answerOf(row.part)}`),
  )
  const shown = new Map<string, number[]>()
  for (const { platform, chat, text } of platforms.shown) {
    const n = answerOf(text)
    if (n === null) continue
    const key = `${platform}:${chat}`
    shown.set(key, [...(shown.get(key) ?? []), n])
  }
  for (const [key, said] of platforms.said) {
    const seen = shown.get(key) ?? []
    const firsts = [...new Set(seen)]
    for (let n = 1; n <= said; n++) {
      const times = seen.filter((one) => one === n).length
      if (times === 0) found.push(`${key}: the answer to ${n} was not shown: lost`)
      if (times > 1 && !mayBeDoubled(key, n, ambiguous))
        found.push(`${key}: the answer to ${n} was shown ${times} times, twice without being marked`)
    }
    const sorted = firsts.toSorted((a, b) => a - b)
    if (firsts.some((n, index) => n !== sorted[index])) found.push(`${key}: answers out of order`)
  }
  return found
}

function mayBeDoubled(key: string, n: number, ambiguous: ReadonlySet<string>): boolean {
  return MAY_DOUBLE.has(key.split(':')[0] ?? '') && ambiguous.has(`${key}:${n}`)
}

function withTables<T>(dataDir: string, look: (db: Database.Database) => T): T {
  const db = new Database(join(dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
  try {
    return look(db)
  } finally {
    db.close()
  }
}
