import type { UnixMs, UserId } from '../ids.ts'

/** A one-time login link is good for this long. */
export const LOGIN_LINK_MS = 15 * 60_000
/** A session ends this long after it was last used. */
export const WEB_SESSION_MS = 30 * 24 * 60 * 60_000

/**
 * Logins of the built-in web chat. Tokens are 32 random bytes in base64url; only their SHA-256 is stored, so that
 * whoever reads the database cannot log in. Any text may come in as a token: it is looked up by its hash, never
 * parsed. Synchronous and synced; expired rows are removed on the way.
 */
export interface WebLogins {
  /** Makes a one-time token, valid for LOGIN_LINK_MS. */
  createLink(now: UnixMs): string
  /**
   * Trades a one-time token for a new session; null when it is unknown, used or expired. Atomic: of any
   * number of calls with one token exactly one gets a session.
   */
  redeem(token: string, now: UnixMs): { readonly session: string; readonly user: UserId } | null
  /**
   * Who is behind a session token; null when unknown or expired. Moves the end to
   * now + WEB_SESSION_MS; called often, so an implementation may move it in steps of up to a minute.
   */
  session(sessionToken: string, now: UnixMs): { readonly user: UserId } | null
  /** Ends every session and every open link. */
  revokeAll(): void
}
