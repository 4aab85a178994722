import { randomBytes } from 'node:crypto'
import type { UnixMs, UserId } from '../../src/domain/ids.ts'
import { userId } from '../../src/domain/ids.ts'
import { LOGIN_LINK_MS, WEB_SESSION_MS, type WebLogins } from '../../src/domain/ports/web-logins.ts'

/** Logins in memory. Strict: a token that no client can have got past the channel's checks throws. */
export class FakeWebLogins implements WebLogins {
  readonly owner: UserId = userId('web', 'owner')
  readonly #links = new Map<string, number>()
  readonly #sessions = new Map<string, number>()

  createLink(now: UnixMs): string {
    const token = newToken()
    this.#links.set(token, now + LOGIN_LINK_MS)
    return token
  }

  redeem(token: string, now: UnixMs): { session: string; user: UserId } | null {
    mustBeBounded(token)
    const expiresAt = this.#links.get(token)
    this.#links.delete(token)
    if (expiresAt === undefined || expiresAt <= now) return null
    const session = newToken()
    this.#sessions.set(session, now + WEB_SESSION_MS)
    return { session, user: this.owner }
  }

  session(sessionToken: string, now: UnixMs): { user: UserId } | null {
    mustBeBounded(sessionToken)
    const expiresAt = this.#sessions.get(sessionToken)
    if (expiresAt === undefined || expiresAt <= now) return null
    this.#sessions.set(sessionToken, now + WEB_SESSION_MS)
    return { user: this.owner }
  }

  revokeAll(): void {
    this.#links.clear()
    this.#sessions.clear()
  }
}

function newToken(): string {
  return randomBytes(32).toString('base64url')
}

function mustBeBounded(token: string): void {
  if (token === '' || token.length > 200) throw new Error('FakeWebLogins: an unchecked token came through')
}
