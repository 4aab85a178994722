import { createHash, randomInt } from 'node:crypto'
import type Database from 'better-sqlite3'
import type { ChatId, GroupName, UnixMs, UserId } from '../../domain/ids.ts'
import {
  PAIRING_MS,
  type PairingCode,
  type PairingCodes,
  type PairingOutcome,
  type PairingState,
  type PairingTry,
  WRONG_OF_ALL,
  WRONG_OF_SENDER,
} from '../../domain/ports/pairing.ts'

/** Crockford's letters: none that is taken for another. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const LENGTH = 8

interface PairingColumns {
  code_hash: string
  group_name: string
  expires_at: number
  wrong: number
  void: number
  used_by: string | null
  used_in: number | null
}
type Bot = { readonly channel: string; readonly account: string }

export class SqlitePairingCodes implements PairingCodes {
  readonly #db: Database.Database
  readonly #onPaired: (user: UserId, now: UnixMs) => void

  /** `onPaired` is called inside the transaction that takes a code: it makes the user an owner. */
  constructor(db: Database.Database, onPaired: (user: UserId, now: UnixMs) => void) {
    this.#db = db
    this.#onPaired = onPaired
  }

  create({ channel, account }: Bot, group: GroupName | null, now: UnixMs): PairingCode {
    const letters = Array.from({ length: LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('')
    const expiresAt = (now + PAIRING_MS) as UnixMs
    this.#db.transaction(() => {
      this.#db.prepare('DELETE FROM pairing WHERE channel = ? AND account = ?').run(channel, account)
      this.#db
        .prepare(
          'INSERT INTO pairing (channel, account, code_hash, group_name, expires_at) VALUES (?, ?, ?, ?, ?)',
        )
        .run(channel, account, hashOf(letters), group ?? '', expiresAt)
    })()
    return { code: `${letters.slice(0, 4)}-${letters.slice(4)}`, expiresAt }
  }

  redeem(attempt: PairingTry, now: UnixMs): PairingOutcome {
    return this.#db.transaction((): PairingOutcome => {
      const row = this.#row(attempt)
      if (!row || row.void === 1 || now >= row.expires_at) return { state: 'none' }
      if (this.#wrongOf(attempt) >= WRONG_OF_SENDER) return { state: 'blocked' }
      const isRight = row.code_hash === hashOf(normal(attempt.code))
      if (isRight && !attempt.isPrivate) {
        this.#void(attempt)
        return { state: 'shown' }
      }
      if (!attempt.isPrivate) return { state: 'none' }
      if (!isRight || (row.used_by !== null && row.used_by !== attempt.sender))
        return this.#wrong(attempt, row)
      this.#db
        .prepare('UPDATE pairing SET used_by = ?, used_in = ? WHERE channel = ? AND account = ?')
        .run(attempt.sender, attempt.chatId, attempt.channel, attempt.account)
      if (row.used_by === null) this.#onPaired(attempt.sender, now)
      return { state: 'paired', group: row.group_name === '' ? null : (row.group_name as GroupName) }
    })()
  }

  state(bot: Bot, now: UnixMs): PairingState {
    const row = this.#row(bot)
    if (!row) return { state: 'none' }
    if (row.used_by !== null && row.used_in !== null)
      return { state: 'paired', user: row.used_by as UserId, chatId: row.used_in as ChatId }
    if (row.void === 1) return { state: 'void' }
    return now >= row.expires_at
      ? { state: 'expired' }
      : { state: 'waiting', expiresAt: row.expires_at as UnixMs }
  }

  #row({ channel, account }: Bot): PairingColumns | undefined {
    return this.#db
      .prepare<[string, string], PairingColumns>('SELECT * FROM pairing WHERE channel = ? AND account = ?')
      .get(channel, account)
  }

  #wrongOf({ channel, account, sender }: PairingTry): number {
    const row = this.#db
      .prepare<[string, string, string], { wrong: number }>(
        'SELECT wrong FROM pairing_try WHERE channel = ? AND account = ? AND sender_id = ?',
      )
      .get(channel, account, sender)
    return row?.wrong ?? 0
  }

  #wrong(attempt: PairingTry, row: PairingColumns): PairingOutcome {
    const { channel, account, sender } = attempt
    this.#db
      .prepare('UPDATE pairing SET wrong = wrong + 1 WHERE channel = ? AND account = ?')
      .run(channel, account)
    this.#db
      .prepare(
        `INSERT INTO pairing_try (channel, account, sender_id, wrong) VALUES (?, ?, ?, 1)
         ON CONFLICT DO UPDATE SET wrong = wrong + 1`,
      )
      .run(channel, account, sender)
    // One that was used stays, so that who used it is known.
    if (row.wrong + 1 >= WRONG_OF_ALL) this.#void(attempt)
    return { state: 'wrong' }
  }

  #void({ channel, account }: Bot): void {
    this.#db.prepare('UPDATE pairing SET void = 1 WHERE channel = ? AND account = ?').run(channel, account)
  }
}

/** As people type it: small letters, without the dash, an O for a zero. */
function normal(code: string): string {
  return code.toUpperCase().replaceAll('-', '').replaceAll('O', '0').replace(/[IL]/g, '1')
}

function hashOf(letters: string): string {
  return createHash('sha256').update(letters).digest('base64url')
}
