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
  WHERE inbound.from_host = 0`

/** How its chat is told that a message was left out. */
const TOLD: Readonly<Record<string, RegExp>> = {
  rate: /messages a minute came/,
  full: /No more are taken/,
  old: /While I was away/,
}
const GIVEN_WITH = /^given to the agent as one with message (\d+)$/

export function messagesOf(db: Database.Database): readonly MessageRow[] {
  return db.prepare<[], MessageRow>(MESSAGES).all()
}

/**
 * Why a message without an answer of its own has none: refused, which its chat was told, or answered together with one
 * that has. Null when it is lost. `shownIn`: all that was shown in its chat; `isAnswered`: by number of the message.
 */
export function whyUnanswered(
  row: MessageRow,
  byId: ReadonlyMap<number, MessageRow>,
  shownIn: readonly string[],
  isAnswered: (message: string) => boolean,
): string | null {
  const told = row.aside === null ? undefined : TOLD[row.aside]
  if (told && row.outcome === 'cancelled') return shownIn.some((text) => told.test(text)) ? 'refused' : null
  const carrier = byId.get(Number(GIVEN_WITH.exec(row.reason ?? '')?.[1]))
  if (row.aside !== 'summary' || row.outcome !== 'done' || !carrier || carrier.id <= row.id) return null
  if (carrier.channel !== row.channel || carrier.chat !== row.chat) return null
  return isAnswered(carrier.message) || whyUnanswered(carrier, byId, shownIn, isAnswered) === 'summarised'
    ? 'summarised'
    : null
}
