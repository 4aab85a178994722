import type { FileKind } from '@creel/protocol'
import type Database from 'better-sqlite3'
import type { ChatId, GroupName, InboundId, UnixMs } from '../../domain/ids.ts'
import type {
  Attachment,
  AttachmentStore,
  FileHash,
  ImageInfo,
  StoredFile,
} from '../../domain/ports/files.ts'
import { UNSENT } from './rows.ts'
import { Statements } from './statements.ts'

type Place = Pick<Attachment, 'inboundId' | 'position'>

interface AttachmentColumns {
  inbound_id: number
  position: number
  kind: string
  name: string
  mime: string
  bytes: number | null
  source: string
  state: string
  sha256: string | null
  image: string | null
  reason: string | null
  attempts: number
  not_before: number
  words: string | null
  words_text: string | null
}

/** Messages that a group is to be given and that wait for a file. */
const WAITING = `a.state = 'wanted' AND EXISTS (
  SELECT 1 FROM dispatch d WHERE d.inbound_id = a.inbound_id AND d.inbox_seq IS NULL AND d.outcome IS NULL)`

const IN_USE = `
  SELECT a.sha256 FROM attachment a JOIN inbound i ON i.id = a.inbound_id
  WHERE a.state = 'ready' AND (i.state IN ('new', 'held')
    OR EXISTS (SELECT 1 FROM dispatch d WHERE d.inbound_id = i.id AND d.outcome IS NULL))
  UNION SELECT file FROM delivery WHERE file IS NOT NULL AND ${UNSENT}`

export class SqliteAttachmentStore implements AttachmentStore {
  readonly #statements: Statements

  constructor(db: Database.Database) {
    this.#statements = new Statements(db)
  }

  of(inboundId: InboundId): readonly Attachment[] {
    return this.#statements
      .prepare<[number], AttachmentColumns>('SELECT * FROM attachment WHERE inbound_id = ? ORDER BY position')
      .all(inboundId)
      .map(toAttachment)
  }

  chatsWithWanted(): readonly ChatId[] {
    return this.#statements
      .prepare<[], { chat_id: number }>(
        `SELECT i.chat_id FROM attachment a JOIN inbound i ON i.id = a.inbound_id
         WHERE ${WAITING} GROUP BY i.chat_id ORDER BY min(i.id)`,
      )
      .all()
      .map((row) => row.chat_id as ChatId)
  }

  /** Beginning with the files that are wanted, which are few: the other way round looks at all messages of the chat. */
  nextWanted(chatId: ChatId): Attachment | null {
    const row = this.#statements
      .prepare<[number], AttachmentColumns>(
        `SELECT a.* FROM attachment a INDEXED BY attachment_wanted CROSS JOIN inbound i ON i.id = a.inbound_id
         WHERE i.chat_id = ? AND ${WAITING} ORDER BY a.inbound_id, a.position LIMIT 1`,
      )
      .get(chatId)
    return row ? toAttachment(row) : null
  }

  anyWanted(): boolean {
    return (
      this.#statements
        .prepare("SELECT 1 FROM attachment INDEXED BY attachment_wanted WHERE state = 'wanted' LIMIT 1")
        .get() !== undefined
    )
  }

  ready({ inboundId, position }: Place, { sha256, bytes, image }: StoredFile): void {
    this.#statements
      .prepare(
        `UPDATE attachment SET state = 'ready', sha256 = ?, bytes = ?, image = ?
         WHERE inbound_id = ? AND position = ?`,
      )
      .run(sha256, bytes, image && JSON.stringify(image), inboundId, position)
  }

  failed({ inboundId, position }: Place, reason: string): void {
    this.#statements
      .prepare(
        "UPDATE attachment SET state = 'failed', reason = ?, words = NULL WHERE inbound_id = ? AND position = ?",
      )
      .run(reason, inboundId, position)
  }

  retry({ inboundId, position }: Place, notBefore: UnixMs): void {
    this.#statements
      .prepare(
        `UPDATE attachment SET attempts = attempts + 1, not_before = ? WHERE inbound_id = ? AND position = ?`,
      )
      .run(notBefore, inboundId, position)
  }

  groupsWaitingFor(inboundId: InboundId): readonly GroupName[] {
    return this.#statements
      .prepare<[number], { group_name: string }>(
        'SELECT group_name FROM dispatch WHERE inbound_id = ? AND inbox_seq IS NULL AND outcome IS NULL',
      )
      .all(inboundId)
      .map((row) => row.group_name as GroupName)
  }

  inUse(): ReadonlySet<FileHash> {
    const rows = this.#statements.prepare<[], { sha256: string | null }>(IN_USE).all()
    return new Set(rows.flatMap(({ sha256 }) => sha256 ?? []))
  }
}

function toAttachment(row: AttachmentColumns): Attachment {
  return {
    inboundId: row.inbound_id as InboundId,
    position: row.position,
    kind: row.kind as FileKind,
    name: row.name,
    mime: row.mime,
    bytes: row.bytes,
    state: row.state as Attachment['state'],
    source: row.source,
    sha256: row.sha256,
    image: row.image === null ? null : (JSON.parse(row.image) as ImageInfo),
    reason: row.reason,
    attempts: row.attempts,
    notBefore: row.not_before as UnixMs,
    words: wordsOf(row),
  }
}

function wordsOf({ words, words_text }: AttachmentColumns): Attachment['words'] {
  if (words === 'ready') return { said: words_text ?? '' }
  return words === 'failed' ? { reason: words_text ?? '' } : null
}
