import type Database from 'better-sqlite3'

/** What became of one message of a person, as the host's tables have it. */
export interface MessageRow {
  readonly id: number
  readonly channel: string
  readonly chat: string
  readonly message: string
  readonly state: string
  readonly dispatches: number
  readonly outcome: string | null
  readonly reason: string | null
  readonly aside: string | null
}

const MESSAGES = `
  SELECT inbound.id, chat.channel, chat.chat, inbound.platform_message_id AS message, inbound.state,
    (SELECT count(*) FROM dispatch WHERE inbound_id = inbound.id) AS dispatches,
    dispatch.outcome, dispatch.outcome_reason AS reason, dispatch.aside
  FROM inbound JOIN chat ON chat.id = inbound.chat_id LEFT JOIN dispatch ON dispatch.inbound_id = inbound.id
  WHERE inbound.from_host = 0 ORDER BY inbound.id`

interface Notice {
  readonly words: RegExp
  /** Its key, which names the message at which the chat was told. */
  readonly key: RegExp
  /** That message is this one or one before it; or this one or one after it. */
  readonly said: 'before' | 'after'
  /** It stands for all that are left out until one is taken again; or for longer. */
  readonly until?: 'calm'
}

/** How its chat is told that a message was left out. */
const TOLD: Readonly<Record<string, Notice>> = {
  rate: {
    words: /messages a minute came/,
    key: /^notice:too-fast:\w+:(\d+):/,
    said: 'before',
    until: 'calm',
  },
  full: { words: /No more are taken/, key: /^notice:full:full:[^:]+:(\d+):/, said: 'before' },
  old: { words: /While I was away/, key: /^notice:catch-up:(\d+):/, said: 'after' },
}
const GIVEN_WITH = /^given to the agent as one with message (\d+)$/

/** Messages that were left out, and their chat was told of that when it happened. `rows`: all, oldest first. */
export function refusedAndTold(db: Database.Database, rows: readonly MessageRow[]): ReadonlySet<number> {
  const notices = noticesOf(db)
  const told = new Set<number>()
  /** The last message of each chat that was not left out. */
  const taken = new Map<string, number>()
  for (const { id, channel, chat, aside, outcome } of rows) {
    const place = `${channel}:${chat}`
    const notice = TOLD[aside ?? '']
    if (!notice) taken.set(place, id)
    const at = notices.get(`${place} ${aside}`) ?? []
    const since = notice?.until === 'calm' ? (taken.get(place) ?? 0) : 0
    const isTold = at.some((one) => (notice?.said === 'after' ? one >= id : one > since && one <= id))
    if (isTold && outcome === 'cancelled') told.add(id)
  }
  return told
}

/** For each chat and reason, the messages at which it was told that some are left out. */
function noticesOf(db: Database.Database): ReadonlyMap<string, readonly number[]> {
  const rows = db
    .prepare<[], { channel: string; chat: string; key: string }>(
      `SELECT chat.channel, chat.chat, delivery.key FROM delivery JOIN chat ON chat.id = delivery.chat_id
       WHERE delivery.key LIKE 'notice:%'`,
    )
    .all()
  const told = Object.entries(TOLD).flatMap(([aside, notice]) =>
    rows.flatMap(({ channel, chat, key }) => {
      const at = notice.key.exec(key)?.[1]
      return at === undefined ? [] : [{ name: `${channel}:${chat} ${aside}`, at: Number(at) }]
    }),
  )
  const byName = Map.groupBy(told, ({ name }) => name)
  return new Map([...byName].map(([name, all]) => [name, all.map(({ at }) => at)]))
}

export function messagesOf(db: Database.Database): readonly MessageRow[] {
  return db.prepare<[], MessageRow>(MESSAGES).all()
}

/**
 * Why a message without an answer of its own has none: refused, which its chat was told, or answered together with one
 * that has. Null when it is lost. `told`: see `refusedAndTold`; `shownIn`: all that was shown in its chat; `isAnswered`:
 * by number of the message.
 */
export function whyUnanswered(
  row: MessageRow,
  byId: ReadonlyMap<number, MessageRow>,
  told: ReadonlySet<number>,
  shownIn: readonly string[],
  isAnswered: (message: string) => boolean,
): string | null {
  const notice = TOLD[row.aside ?? '']
  if (notice) return told.has(row.id) && shownIn.some((text) => notice.words.test(text)) ? 'refused' : null
  const carrier = byId.get(Number(GIVEN_WITH.exec(row.reason ?? '')?.[1]))
  if (row.aside !== 'summary' || row.outcome !== 'done' || !carrier || carrier.id <= row.id) return null
  if (carrier.channel !== row.channel || carrier.chat !== row.chat) return null
  return isAnswered(carrier.message) ||
    whyUnanswered(carrier, byId, told, shownIn, isAnswered) === 'summarised'
    ? 'summarised'
    : null
}
