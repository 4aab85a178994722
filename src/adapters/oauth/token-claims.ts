import { z } from 'zod'

/** RFC 7519, and what OpenAI's tokens say of the account (openai/codex, `login/src/token_data.rs`). */
const Claims = z.object({
  exp: z.number().optional(),
  'https://api.openai.com/auth': z.object({ chatgpt_account_id: z.string().optional() }).optional(),
})

export interface TokenClaims {
  /** UTC ms. */
  readonly expiresAt: number | null
  readonly account: string | null
}

/**
 * What a token says of itself, when it is a JWT. Not verified: it is only a hint when to renew and whose it is; the
 * service that gets the token decides.
 */
export function readClaims(token: string): TokenClaims {
  const raw = payloadOf(token)
  const claims = Claims.safeParse(raw)
  if (!claims.success) return { expiresAt: null, account: null }
  const { exp, 'https://api.openai.com/auth': auth } = claims.data
  return {
    expiresAt: exp === undefined ? null : Math.floor(exp * 1000),
    account: auth?.chatgpt_account_id ?? null,
  }
}

function payloadOf(token: string): unknown {
  const [, payload = ''] = token.split('.')
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  } catch {
    // Not a JWT: most tokens say nothing of themselves.
    return null
  }
}
