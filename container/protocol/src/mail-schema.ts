/**
 * The exact DDL of both mailbox files. The host creates them; before reading an outbox it compares
 * `sqlite_schema` with these strings to the letter, which refuses views, triggers, generated columns and
 * virtual tables at once. Changing a string is a protocol change.
 */
export const INBOX_DDL = [
  `CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  key TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT`,
] as const

export const OUTBOX_DDL = [
  `CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  ref INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT`,
  'CREATE INDEX entry_ref ON entry (type, ref)',
] as const

/** Longest stored body, in bytes of UTF-8. */
export const MAX_BODY_BYTES = 1_000_000
