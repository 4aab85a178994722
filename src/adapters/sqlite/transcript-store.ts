import type Database from 'better-sqlite3'
import type { ChatId, GroupName, InboundId, UnixMs } from '../../domain/ids.ts'
import type { TranscriptStore, UnheardVoice } from '../../domain/ports/transcription.ts'
import { Statements } from './statements.ts'

type Place = Pick<UnheardVoice, 'inboundId' | 'position'>

interface VoiceColumns {
  inbound_id: number
  position: number
  name: string
  mime: string
  sha256: string
  bytes: number
  seconds: number | null
  words_tries: number
  not_before: number
}

/** Beginning with what is wanted, which is little. */
const UNHEARD = `
  FROM attachment a INDEXED BY attachment_unheard CROSS JOIN inbound i ON i.id = a.inbound_id
  WHERE a.words = 'wanted' AND a.state = 'ready' AND EXISTS (
    SELECT 1 FROM dispatch d WHERE d.inbound_id = a.inbound_id AND d.inbox_seq IS NULL AND d.outcome IS NULL)`

export class SqliteTranscriptStore implements TranscriptStore {
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#statements = new Statements(db)
  }

  chatsWithUnheard(): readonly ChatId[] {
    return this.#statements
      .prepare<[], { chat_id: number }>(`SELECT i.chat_id ${UNHEARD} GROUP BY i.chat_id ORDER BY min(i.id)`)
      .all()
      .map((row) => row.chat_id as ChatId)
  }

  unheard(chatId: ChatId): readonly UnheardVoice[] {
    return this.#statements
      .prepare<[number], VoiceColumns>(
        `SELECT a.* ${UNHEARD} AND i.chat_id = ? ORDER BY a.inbound_id, a.position`,
      )
      .all(chatId)
      .map((row) => ({
        inboundId: row.inbound_id as InboundId,
        position: row.position,
        name: row.name,
        mime: row.mime,
        sha256: row.sha256,
        bytes: row.bytes,
        seconds: row.seconds,
        tries: row.words_tries,
        notBefore: row.not_before as UnixMs,
      }))
  }

  begun(voice: Place): void {
    this.#set('words_tries = words_tries + 1', voice)
  }

  handedBack(voice: Place): void {
    this.#set('words_tries = max(0, words_tries - 1)', voice)
  }

  again(voice: Place, notBefore: UnixMs): void {
    this.#set('not_before = ?', voice, notBefore)
  }

  ready(voice: Place, words: string): void {
    this.#set("words = 'ready', words_text = ?", voice, words)
  }

  failed(voice: Place, reason: string): void {
    this.#set("words = 'failed', words_text = ?", voice, reason)
  }

  isAwaited(inboundId: InboundId): boolean {
    const row = this.#statements
      .prepare<[number], { one: number }>(
        `SELECT 1 AS one FROM attachment WHERE inbound_id = ? AND (state = 'wanted' OR words = 'wanted') LIMIT 1`,
      )
      .get(inboundId)
    return row !== undefined
  }

  groupsWaitingFor(inboundId: InboundId): readonly GroupName[] {
    return this.#statements
      .prepare<[number], { group_name: string }>(
        'SELECT group_name FROM dispatch WHERE inbound_id = ? AND inbox_seq IS NULL AND outcome IS NULL',
      )
      .all(inboundId)
      .map((row) => row.group_name as GroupName)
  }

  #set(what: string, { inboundId, position }: Place, ...values: (string | number)[]): void {
    this.#statements
      .prepare(`UPDATE attachment SET ${what} WHERE inbound_id = ? AND position = ?`)
      .run(...values, inboundId, position)
  }
}
