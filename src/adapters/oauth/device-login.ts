import { z } from 'zod'
import { CreelError } from '../../domain/errors.ts'
import { CHATGPT, chatgptClient } from '../../domain/login-services.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { IssuedTokens, TokenServer } from '../../domain/ports/token-server.ts'

const ANSWER_MS = 30_000
/** How long a code is good. */
const CODE_MS = 15 * 60_000
/** Not yet: the person has still to type the code. */
const WAITING: ReadonlySet<number> = new Set([403, 404])

const Code = z.object({
  device_auth_id: z.string().min(1),
  user_code: z.string().min(1),
  interval: z.coerce.number().min(1).max(60).catch(5),
})
const Done = z.object({ authorization_code: z.string().min(1), code_verifier: z.string().min(1) })

export interface DeviceLogin {
  readonly issuer: string
  readonly server: TokenServer
  readonly clock: Clock
  /** Shown to the person: open this page, type this code there. */
  readonly onCode: (page: string, code: string) => void
  readonly signal: AbortSignal
}

/**
 * Pairs with a ChatGPT plan: the person types a code on a page, in any browser. The login that comes of it belongs to
 * Creel alone; nothing is written anywhere. Throws CreelError.
 */
export async function logInWithDevice(login: DeviceLogin): Promise<IssuedTokens> {
  const { issuer, clock, signal, server } = login
  const begun = await post(`${issuer}${CHATGPT.paths.deviceCode}`, { client_id: CHATGPT.clientId }, signal)
  if (begun.status === 404)
    throw new CreelError('unavailable', 'this account does not allow logins with a device code', {
      hint: 'allow them in the security settings of ChatGPT, or use an API key: ./creel vault set openai/main',
    })
  const { device_auth_id, user_code, interval } = parsed(Code, begun)
  login.onCode(`${issuer}${CHATGPT.paths.devicePage}`, user_code)
  const end = clock.now() + CODE_MS
  for (;;) {
    await clock.sleep(interval * 1000, signal)
    const polled = await post(`${issuer}${CHATGPT.paths.devicePoll}`, { device_auth_id, user_code }, signal)
    if (!WAITING.has(polled.status)) {
      const { authorization_code: code, code_verifier: verifier } = parsed(Done, polled)
      const redirectUri = `${issuer}${CHATGPT.paths.deviceRedirect}`
      return server.exchange(chatgptClient(issuer), { code, verifier, redirectUri })
    }
    if (clock.now() >= end)
      throw new CreelError('timeout', 'the code was not typed within 15 minutes', { hint: 'begin again' })
  }
}

async function post(
  url: string,
  body: object,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    throw new CreelError(
      'unavailable',
      `the login service could not be reached: ${cause?.code ?? 'no answer'}`,
      {
        cause: error,
      },
    )
  }
}

function parsed<T>(schema: z.ZodType<T>, { status, text }: { status: number; text: string }): T {
  const result = status >= 200 && status < 300 ? schema.safeParse(jsonOf(text)) : null
  if (result?.success) return result.data
  throw new CreelError('unavailable', `the login service answered in an unknown way (status ${status})`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A page of a proxy, most likely.
    return null
  }
}
