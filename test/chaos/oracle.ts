import { join } from 'node:path'
import Database from 'better-sqlite3'
import { judgeBooks } from './books.ts'
import { answersIn, type Platforms } from './platform.ts'
import { type MessageRow, messagesOf, refusedAndTold, whyUnanswered } from './settlement.ts'

/** What was found wrong; empty = nothing was lost, doubled or left over. */
export type Complaints = readonly string[]

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
      ) === 0 &&
      count('SELECT count(*) AS n FROM host_call WHERE told = 0') === 0 &&
      count("SELECT count(*) AS n FROM task WHERE state = 'active'") === 0 &&
      count("SELECT count(*) AS n FROM agent_request WHERE state = 'open' OR stopping = 1") === 0 &&
      count(
        "SELECT count(*) AS n FROM approval WHERE state <> 'asked' AND (told = 0 OR card_settled = 0)",
      ) === 0
    )
  })
}

/** Messages that are settled, and those that are on their way, of what the host has taken. */
export function progressOf(dataDir: string): { settled: number; open: number } {
  return withTables(dataDir, (db) => {
    const count = (sql: string) => db.prepare<[], number>(sql).pluck().get() ?? 0
    const open =
      count("SELECT count(*) FROM inbound WHERE state = 'new'") +
      count('SELECT count(*) FROM dispatch WHERE outcome IS NULL')
    return { settled: count('SELECT count(*) FROM dispatch WHERE outcome IS NOT NULL'), open }
  })
}

/**
 * Compares what people said with what they were shown, and both with the tables. Only for a world at rest
 * (`isSettled`); what is still on its way would be reported as lost. Where what comes in is `bounded`, a message may also
 * be refused, which its chat was told, or answered together with others.
 */
export function complaintsAbout(platforms: Platforms, dataDir: string, bounded = false): Complaints {
  const found: string[] = []
  withTables(dataDir, (db) => {
    const inbound = messagesOf(db)
    const deliveries = db.prepare<[], DeliveryRow>(DELIVERIES).all()
    found.push(...judgeInbound(platforms, inbound, bounded))
    found.push(...judgeDeliveries(deliveries))
    found.push(...judgeShown(platforms, inbound, refusedAndTold(db, inbound), deliveries))
    found.push(...judgeMail(db), ...judgeBooks(db, dataDir, bounded))
  })
  return found.length <= SHOWN_COMPLAINTS
    ? found
    : [...found.slice(0, SHOWN_COMPLAINTS), `… and ${found.length - SHOWN_COMPLAINTS} more`]
}

const DELIVERIES = `
  SELECT chat.channel, chat.chat, part, state, ambiguous, reason
  FROM delivery JOIN chat ON chat.id = delivery.chat_id ORDER BY delivery.id`

/** Each message is on record once, was given to one group, and was settled as done. */
function judgeInbound(platforms: Platforms, rows: readonly MessageRow[], bounded: boolean): string[] {
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
    else if (!bounded && row.aside !== null) found.push(`${name}: set aside: ${row.aside} (${row.reason})`)
    else if (row.outcome !== 'done' && (row.aside === null || row.aside === 'summary'))
      found.push(`${name}: not settled as done: ${row.outcome} (${row.reason})`)
  }
  return found
}

/** One answer was made for each message: a turn that ran twice would have made two. */
function judgeDeliveries(rows: readonly DeliveryRow[]): string[] {
  const found: string[] = []
  const made = new Map<string, number>()
  for (const row of rows) {
    const name = `${row.channel}:${row.chat}: “${row.part.slice(0, 60)}”`
    if (row.ambiguous === 1 && !MAY_DOUBLE.has(row.channel))
      found.push(`${name} is marked as possibly doubled on a channel that knows its key`)
    if (row.state !== 'accepted' && row.state !== 'confirmed')
      found.push(`${name} ended as ${row.state} (${row.reason}): lost`)
    for (const answer of answersIn(row.part)) {
      const key = `${row.channel}:${row.chat}:${answer}`
      made.set(key, (made.get(key) ?? 0) + 1)
      if (made.get(key) === 2) found.push(`${name} was made twice: a doubled turn`)
    }
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
function judgeShown(
  platforms: Platforms,
  inbound: readonly MessageRow[],
  told: ReadonlySet<number>,
  deliveries: readonly DeliveryRow[],
): string[] {
  const found: string[] = []
  const ambiguous = new Set(
    deliveries
      .filter((row) => row.ambiguous === 1)
      .flatMap((row) => answersIn(row.part).map((n) => `${row.channel}:${row.chat}:${n}`)),
  )
  const byId = new Map(inbound.map((row) => [row.id, row]))
  const byName = new Map(inbound.map((row) => [`${row.channel}:${row.chat}:${row.message}`, row]))
  const texts = Map.groupBy(platforms.shown, ({ platform, chat }) => `${platform}:${chat}`)
  const shown = new Map<string, number[]>()
  for (const { platform, chat, text } of platforms.shown) {
    const key = `${platform}:${chat}`
    const before = shown.get(key) ?? []
    before.push(...answersIn(text))
    shown.set(key, before)
  }
  for (const [key, said] of platforms.said) {
    const seen = shown.get(key) ?? []
    const firsts = [...new Set(seen)]
    const counts = new Map<number, number>()
    for (const n of seen) counts.set(n, (counts.get(n) ?? 0) + 1)
    const shownIn = (texts.get(key) ?? []).map(({ text }) => text)
    for (let n = 1; n <= said; n++) {
      const times = counts.get(n) ?? 0
      const row = byName.get(`${key}:${n}`)
      const why = row && whyUnanswered(row, byId, told, shownIn, (message) => counts.has(Number(message)))
      // What could not be asked was said in the answer to it, which the books look for.
      if (times === 0 && !why && !platforms.asks.has(`${key}:${n}`))
        found.push(`${key}: the answer to ${n} was not shown: lost`)
      if (times > 0 && why) found.push(`${key}: ${n} was ${why}, and answered`)
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
