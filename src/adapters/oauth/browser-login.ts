import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { CreelError } from '../../domain/errors.ts'
import type { IssuedTokens, TokenServer } from '../../domain/ports/token-server.ts'
import type { LoginClient } from '../../domain/secret.ts'

export interface BrowserLogin {
  readonly authorizeUrl: string
  readonly client: LoginClient
  readonly scope: string
  readonly server: TokenServer
  /** Shown to the person: open this address. */
  readonly onAddress: (address: string) => void
  /** Asks for the address that the browser ended at, where it runs on another machine. */
  readonly paste: (signal: AbortSignal) => Promise<string>
  readonly signal: AbortSignal
}

const PAGE = 'You are logged in. You can close this page.\n'

/**
 * A login in a browser (RFC 6749 with PKCE, RFC 7636; loopback redirect, RFC 8252). Ends when the browser comes back to
 * this machine, or when somebody pastes the address that it ended at. Throws CreelError.
 */
export async function logInWithBrowser(login: BrowserLogin): Promise<IssuedTokens> {
  const { client, server } = login
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const ended = new AbortController()
  const { callback, redirectUri, returned } = await listen(state)
  try {
    const address = new URL(login.authorizeUrl)
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const query = {
      response_type: 'code',
      client_id: client.clientId,
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state,
      ...(login.scope === '' ? {} : { scope: login.scope }),
    }
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value)
    login.onAddress(address.href)
    const pasted = login
      .paste(AbortSignal.any([login.signal, ended.signal]))
      .then((text) => codeIn(text, state))
    // It is told to stop when the browser was quicker.
    pasted.catch(() => undefined)
    const code = await Promise.race([returned, pasted])
    return await server.exchange(client, { code, verifier, redirectUri })
  } finally {
    ended.abort(new Error('the login has ended'))
    callback.close()
    callback.closeAllConnections()
  }
}

/** The code in what a person pasted: the whole address, or the code alone. Throws CreelError. */
export function codeIn(pasted: string, state: string): string {
  const text = pasted.trim()
  const query = URL.canParse(text) ? new URL(text).searchParams : null
  if (query === null) return text
  return codeOf(query, state)
}

function codeOf(query: URLSearchParams, state: string): string {
  const code = query.get('code')
  if (code === null || code === '')
    throw new CreelError('invalid', `the login was not finished: ${oneWord(query.get('error'))}`, {
      hint: 'begin again',
    })
  if (!isSame(query.get('state') ?? '', state))
    throw new CreelError('invalid', 'this address belongs to another login', { hint: 'begin again' })
  return code
}

async function listen(
  state: string,
): Promise<{ callback: Server; redirectUri: string; returned: Promise<string> }> {
  const returned = Promise.withResolvers<string>()
  // Rejected before somebody waits for it.
  returned.promise.catch(() => undefined)
  const callback = createServer((request, response) => {
    const target = new URL(request.url ?? '/', 'http://127.0.0.1')
    const isOurs = request.method === 'GET' && target.pathname === '/callback'
    // Anybody on this machine can knock: only the browser knows the state.
    if (!isOurs || !isSame(target.searchParams.get('state') ?? '', state)) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/plain', connection: 'close' }).end(PAGE)
    try {
      returned.resolve(codeOf(target.searchParams, state))
    } catch (error) {
      returned.reject(error)
    }
  })
  callback.listen(0, '127.0.0.1')
  await once(callback, 'listening')
  const address = callback.address()
  const port = address !== null && typeof address !== 'string' ? address.port : 0
  return { callback, redirectUri: `http://127.0.0.1:${port}/callback`, returned: returned.promise }
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function oneWord(text: string | null): string {
  return (text ?? 'there is no code in the address').replace(/[^\w .-]+/g, ' ').slice(0, 100)
}
