import { createHash, randomBytes } from 'node:crypto'
import type Database from 'better-sqlite3'
import type { UnixMs, UserId } from '../../domain/ids.ts'
import { LOGIN_LINK_MS, WEB_SESSION_MS, type WebLogins } from '../../domain/ports/web-logins.ts'

/** Whoever holds a link was given it by the operator of this machine: all of them are the one owner. */
const WEB_OWNER = 'web:owner' as UserId

/** A session's end is moved at most this often, so that reading does not write each time. */
const TOUCH_AFTER_MS = 60_000

export class SqliteWebLogins implements WebLogins {
  readonly #db: Database.Database
  readonly #onFirstLogin: (user: UserId, now: UnixMs) => void

  /** `onFirstLogin` is called inside the transaction that redeems a link: it makes the user an owner. */
  constructor(db: Database.Database, onFirstLogin: (user: UserId, now: UnixMs) => void) {
    this.#db = db
    this.#onFirstLogin = onFirstLogin
  }

  createLink(now: UnixMs): string {
    const token = newToken()
    this.#db.transaction(() => {
      this.#db.prepare('DELETE FROM web_link WHERE expires_at <= ?').run(now)
      this.#db
        .prepare('INSERT INTO web_link (token_hash, expires_at) VALUES (?, ?)')
        .run(hashOf(token), now + LOGIN_LINK_MS)
    })()
    return token
  }

  redeem(token: string, now: UnixMs): { readonly session: string; readonly user: UserId } | null {
    const session = newToken()
    return this.#db.transaction(() => {
      const used = this.#db
        .prepare('DELETE FROM web_link WHERE token_hash = ? AND expires_at > ?')
        .run(hashOf(token), now)
      if (used.changes !== 1) return null
      this.#db.prepare('DELETE FROM web_session WHERE expires_at <= ?').run(now)
      this.#db
        .prepare('INSERT INTO web_session (token_hash, user_id, expires_at) VALUES (?, ?, ?)')
        .run(hashOf(session), WEB_OWNER, now + WEB_SESSION_MS)
      this.#onFirstLogin(WEB_OWNER, now)
      return { session, user: WEB_OWNER }
    })()
  }

  session(sessionToken: string, now: UnixMs): { readonly user: UserId } | null {
    const hash = hashOf(sessionToken)
    const row = this.#db
      .prepare<[string, number], { user_id: string; expires_at: number }>(
        'SELECT user_id, expires_at FROM web_session WHERE token_hash = ? AND expires_at > ?',
      )
      .get(hash, now)
    if (!row) return null
    if (now + WEB_SESSION_MS - row.expires_at > TOUCH_AFTER_MS) {
      this.#db
        .prepare('UPDATE web_session SET expires_at = ? WHERE token_hash = ?')
        .run(now + WEB_SESSION_MS, hash)
    }
    return { user: row.user_id as UserId }
  }

  revokeAll(): void {
    this.#db.transaction(() => {
      this.#db.prepare('DELETE FROM web_link').run()
      this.#db.prepare('DELETE FROM web_session').run()
    })()
  }
}

function newToken(): string {
  return randomBytes(32).toString('base64url')
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
