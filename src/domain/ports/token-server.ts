import { CreelError } from '../errors.ts'
import type { LoginClient } from '../secret.ts'

/** What a token server gave. */
export interface IssuedTokens {
  readonly access: string
  /** Null: the one that was used stays good. */
  readonly refresh: string | null
  /** UTC ms; null when it was not said. */
  readonly expiresAt: number | null
  /** The account that the tokens are of, where they say so. */
  readonly account: string | null
}

/** The server will never renew this login: it is over. `message` is for a person and holds no token. */
export class LoginRefusedError extends CreelError {
  override name = 'LoginRefusedError'
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super('unauthorized', message, options)
  }
}

/** Where logins are made and renewed. */
export interface TokenServer {
  /**
   * Renews a login. Each call may use the refresh token up, also one that fails. Throws LoginRefusedError when that
   * login is over, else CreelError when it did not work this time.
   */
  renew(client: LoginClient, refresh: string): Promise<IssuedTokens>
  /** Turns the code that a login ended with into tokens. Throws as `renew` does. */
  exchange(
    client: LoginClient,
    grant: { readonly code: string; readonly verifier: string; readonly redirectUri: string },
  ): Promise<IssuedTokens>
}
