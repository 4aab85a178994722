import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

interface Family {
  revoked: boolean
}

interface Refresh {
  readonly family: Family
  used: boolean
}

/**
 * A token server that turns refresh tokens over and takes one twice as theft: it then revokes all that came from the
 * same login (RFC 9700 §4.14.2). Knows which access token was issued with which refresh token.
 */
export class LoginServer implements AsyncDisposable {
  readonly #server: Server
  readonly #refreshes = new Map<string, Refresh>()
  readonly #codes = new Map<string, { challenge: string; redirectUri: string }>()
  /** Refresh token that each access token came with. */
  readonly pairs = new Map<string, string>()
  readonly #access = new Map<string, Family>()
  /** Renewals that were asked for, with what came of them. */
  readonly asked: ('issued' | 'refused' | 'failed')[] = []
  reuses = 0
  lifeSeconds = 3600
  /** Answers with this in place of what it would. */
  fault: ((response: ServerResponse) => void) | null = null
  /** Waited for between issuing and answering. */
  beforeAnswer: () => Promise<void> = async () => undefined
  form: string | null = null

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async make(): Promise<LoginServer> {
    const server = new LoginServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get tokenUrl(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return `http://127.0.0.1:${address.port}/token`
  }

  /** A new login, as if somebody had just made it. */
  logIn(): { access: string; refresh: string } {
    return this.#issue({ revoked: false })
  }

  /** What the login page does: remembers who asks, and ends with a code. */
  authorize(address: string): string {
    const query = new URL(address).searchParams
    const code = randomBytes(12).toString('hex')
    this.#codes.set(code, {
      challenge: query.get('code_challenge') ?? '',
      redirectUri: query.get('redirect_uri') ?? '',
    })
    return `${query.get('redirect_uri')}?code=${code}&state=${query.get('state')}`
  }

  isGood(access: string): boolean {
    return this.#access.get(access)?.revoked === false
  }

  #issue(family: Family): { access: string; refresh: string } {
    const access = `at-${randomBytes(18).toString('hex')}`
    const refresh = `rt-${randomBytes(18).toString('hex')}`
    this.#refreshes.set(refresh, { family, used: false })
    this.#access.set(access, family)
    this.pairs.set(access, refresh)
    return { access, refresh }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    this.form = request.headers['content-type'] ?? ''
    const asked = new Map<string, string>(
      this.form.includes('json')
        ? Object.entries(JSON.parse(body) as Record<string, string>)
        : new URLSearchParams(body),
    )
    if (this.fault !== null) {
      this.asked.push('failed')
      this.fault(response)
      return
    }
    const tokens = asked.get('grant_type') === 'refresh_token' ? this.#renew(asked) : this.#exchange(asked)
    this.asked.push(tokens === null ? 'refused' : 'issued')
    await this.beforeAnswer()
    response.writeHead(tokens === null ? 400 : 200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(
        tokens === null
          ? { error: 'invalid_grant', error_description: `bad token ${asked.get('refresh_token')}` }
          : {
              access_token: tokens.access,
              refresh_token: tokens.refresh,
              expires_in: this.lifeSeconds,
              token_type: 'bearer',
            },
      ),
    )
  }

  #renew(asked: ReadonlyMap<string, string>): { access: string; refresh: string } | null {
    const known = this.#refreshes.get(asked.get('refresh_token') ?? '')
    if (known?.used) {
      this.reuses++
      known.family.revoked = true
    }
    if (!known || known.family.revoked) return null
    known.used = true
    return this.#issue(known.family)
  }

  #exchange(asked: ReadonlyMap<string, string>): { access: string; refresh: string } | null {
    const known = this.#codes.get(asked.get('code') ?? '')
    this.#codes.delete(asked.get('code') ?? '')
    const hash = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url')
    if (known?.challenge !== hash || known.redirectUri !== asked.get('redirect_uri')) return null
    return this.#issue({ revoked: false })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
