import { z } from 'zod'
import { CreelError } from '../../domain/errors.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import { type IssuedTokens, LoginRefusedError, type TokenServer } from '../../domain/ports/token-server.ts'
import type { LoginClient } from '../../domain/secret.ts'
import { readClaims } from './token-claims.ts'

const ANSWER_MS = 30_000
const MAX_ANSWER = 262_144
const MAX_REASON = 200

const Answer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).nullish(),
  expires_in: z.number().positive().nullish(),
  id_token: z.string().nullish(),
})

/** RFC 6749 §5.2 has the code in `error`; OpenAI's server has it in `error.code`. */
const Refusal = z.object({
  error: z
    .union([z.string(), z.object({ code: z.string().nullish(), message: z.string().nullish() })])
    .nullish(),
  error_description: z.string().nullish(),
  code: z.string().nullish(),
})

/** Codes that say: this login is over. The last three are OpenAI's. */
const OVER: ReadonlySet<string> = new Set([
  'invalid_grant',
  'invalid_client',
  'unauthorized_client',
  'access_denied',
  'refresh_token_expired',
  'refresh_token_reused',
  'refresh_token_invalidated',
])

/** Token servers over HTTP (RFC 6749, with PKCE: RFC 7636). Redirects are not followed: tokens go to one address. */
export class HttpTokenServer implements TokenServer {
  readonly #clock: Pick<Clock, 'now'>

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  renew(client: LoginClient, refresh: string): Promise<IssuedTokens> {
    const asked = { grant_type: 'refresh_token', refresh_token: refresh, client_id: client.clientId }
    return this.#ask(client.tokenUrl, asked, client.body, [refresh])
  }

  exchange(
    client: LoginClient,
    grant: { readonly code: string; readonly verifier: string; readonly redirectUri: string },
  ): Promise<IssuedTokens> {
    const asked = {
      grant_type: 'authorization_code',
      code: grant.code,
      code_verifier: grant.verifier,
      redirect_uri: grant.redirectUri,
      client_id: client.clientId,
    }
    // A form always, also for OpenAI: RFC 6749 §4.1.3, openai/codex `login/src/server.rs`.
    return this.#ask(client.tokenUrl, asked, 'form', [grant.code, grant.verifier])
  }

  async #ask(
    tokenUrl: string,
    asked: Record<string, string>,
    body: LoginClient['body'],
    secrets: readonly string[],
  ): Promise<IssuedTokens> {
    const isForm = body === 'form'
    let status: number
    let text: string
    try {
      const response = await fetch(tokenUrl, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
        headers: {
          accept: 'application/json',
          'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        },
        body: isForm ? new URLSearchParams(asked).toString() : JSON.stringify(asked),
      })
      status = response.status
      text = await boundedText(response)
    } catch (error) {
      throw notNow(reachProblem(error), error)
    }
    if (status >= 200 && status < 300) return this.#tokens(text)
    throw refusal(status, text, secrets)
  }

  #tokens(text: string): IssuedTokens {
    const answer = Answer.safeParse(jsonOf(text))
    if (!answer.success) throw notNow('its answer holds no token')
    const { access_token, refresh_token, expires_in, id_token } = answer.data
    const claims = readClaims(access_token)
    return {
      access: access_token,
      refresh: refresh_token ?? null,
      expiresAt: expires_in ? this.#clock.now() + Math.floor(expires_in * 1000) : claims.expiresAt,
      account: claims.account ?? (id_token ? readClaims(id_token).account : null),
    }
  }
}

function refusal(status: number, text: string, secrets: readonly string[]): CreelError {
  const parsed = Refusal.safeParse(jsonOf(text))
  const { error, error_description, code } = parsed.success ? parsed.data : {}
  const name = (typeof error === 'string' ? error : error?.code) ?? code ?? ''
  const told = error_description ?? (typeof error === 'object' ? error?.message : null) ?? ''
  const reason = clean(`${name}${told === '' ? '' : ` (${told})`}`, secrets) || `status ${status}`
  if (status === 401 || (status >= 400 && status < 500 && OVER.has(name)))
    return new LoginRefusedError(`the login was refused: ${reason}`)
  return notNow(`status ${status}${name === '' ? '' : `, ${clean(name, secrets)}`}`)
}

/** One short line of what a server said, which could repeat what it was sent. */
function clean(text: string, secrets: readonly string[]): string {
  const hidden = secrets.reduce((all, secret) => all.replaceAll(secret, '***'), text)
  return hidden
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_REASON)
}

function notNow(reason: string, cause?: unknown): CreelError {
  return new CreelError('unavailable', `the token server could not be used: ${reason}`, { cause })
}

function reachProblem(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }
  if (name === 'TimeoutError') return 'no answer in time'
  return cause?.code ?? 'the connection failed'
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // An error page of a proxy, most likely.
    return null
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_ANSWER) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
