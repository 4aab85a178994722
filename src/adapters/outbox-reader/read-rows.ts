import { MAX_BODY_BYTES, OUTBOX_DDL, PROTOCOL_VERSION } from '@creel/protocol'
import Database from 'better-sqlite3'

/** Bodies of one batch together; the rest comes with the next read. */
const MAX_BATCH_BYTES = 4_000_000

/** A stored body, or the reason it was not even fetched. */
export type RawRow = { readonly seq: number } & ({ readonly body: string } | { readonly refused: string })

/** The file is not what a runner of ours writes. */
export class NotAnOutboxError extends Error {
  override name = 'NotAnOutboxError'
}

interface SchemaRow {
  type: string
  name: string
  sql: string | null
}

// Values are looked at by type and stored size first; a body above the limit is never brought into memory.
const ROWS = `SELECT seq, typeof(body) = 'text' AS is_text, octet_length(body) AS bytes,
  CASE WHEN typeof(body) = 'text' AND octet_length(body) <= ${MAX_BODY_BYTES} THEN body END AS body
  FROM entry WHERE seq > ? ORDER BY seq LIMIT ?`

const SCHEMA = `SELECT type, name, CASE WHEN octet_length(sql) <= 10000 THEN sql END AS sql
  FROM sqlite_schema LIMIT ?`

/**
 * Rows after `after`, oldest first, in one read transaction, and whether more follow. Throws NotAnOutboxError
 * or SQLite's error. Writes nothing, creates nothing and deletes nothing, whatever lies beside the file.
 */
export function readRows(path: string, after: number, limit: number): { rows: RawRow[]; more: boolean } {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 })
  try {
    // Without this a file switched to write-ahead logging makes even a read-only connection create a -shm file;
    // with it SQLite first wants an exclusive lock, which a read-only descriptor cannot have.
    db.pragma('locking_mode = EXCLUSIVE')
    db.pragma('trusted_schema = OFF')
    db.pragma('cell_size_check = ON')
    db.pragma('mmap_size = 0')
    db.pragma('query_only = ON')
    db.exec('BEGIN')
    checkSchema(db)
    return collect(db, after, limit)
  } finally {
    db.close()
  }
}

function checkSchema(db: Database.Database): void {
  const version = db.pragma('user_version', { simple: true })
  if (version !== PROTOCOL_VERSION)
    throw new NotAnOutboxError(`mailbox protocol ${version}, expected ${PROTOCOL_VERSION}`)
  const expected = OUTBOX_DDL.map(schemaKey).sort()
  const found = db
    .prepare<[number], SchemaRow>(SCHEMA)
    .all(expected.length + 1)
    .map((row) => [row.type, row.name, row.sql].join('\n'))
    .sort()
  // To the letter: a view, a trigger, a generated column or a virtual table can make a plain SELECT endless.
  if (found.length !== expected.length || found.some((key, i) => key !== expected[i]))
    throw new NotAnOutboxError('the schema is not that of an outbox')
  if (db.pragma('encoding', { simple: true }) !== 'UTF-8') throw new NotAnOutboxError('not UTF-8')
}

function schemaKey(ddl: string): string {
  const [, type, name] = /^CREATE (TABLE|INDEX) (\w+)/.exec(ddl) ?? []
  if (!type || !name) throw new Error(`cannot tell what this makes: ${ddl}`)
  return [type.toLowerCase(), name, ddl].join('\n')
}

function collect(db: Database.Database, after: number, limit: number): { rows: RawRow[]; more: boolean } {
  const newest = db
    .prepare<[], { seq: bigint | null }>('SELECT max(seq) AS seq FROM entry')
    .safeIntegers()
    .get()
  const last = safe(newest?.seq ?? 0n)
  if (last < after) throw new NotAnOutboxError(`rewound: ends at ${last}, already read up to ${after}`)
  const rows: RawRow[] = []
  let position = after
  let bytes = 0
  const statement = db.prepare<
    [number, number],
    { seq: bigint; is_text: bigint; bytes: bigint; body: string | null }
  >(ROWS)
  for (const row of statement.safeIntegers().iterate(after, limit)) {
    const seq = safe(row.seq)
    if (seq <= position) throw new NotAnOutboxError('positions out of order')
    if (row.body !== null) bytes += Number(row.bytes)
    if (bytes > MAX_BATCH_BYTES && rows.length > 0) break
    position = seq
    rows.push(row.body === null ? { seq, refused: refusal(row) } : { seq, body: row.body })
  }
  return { rows, more: rows.length > 0 && position < last }
}

function refusal(row: { is_text: bigint; bytes: bigint }): string {
  return row.is_text === 0n ? 'body is not text' : `body of ${row.bytes} bytes, more than ${MAX_BODY_BYTES}`
}

function safe(seq: bigint): number {
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) throw new NotAnOutboxError(`position ${seq} is out of range`)
  return Number(seq)
}
