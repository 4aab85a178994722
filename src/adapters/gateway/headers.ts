import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { CHATGPT } from '../../domain/login-services.ts'
import { modelHeaders } from '../../domain/model-headers.ts'
import type { ModelApi, ModelCredential } from '../../domain/ports/gateway.ts'

/** RFC 9110 §7.6.1: they concern one connection, not the message. */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** What a sandbox may not say to a service: who it is, who pays, and where it comes from. */
const NOT_FROM_A_SANDBOX: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'authorization',
  'x-api-key',
  'api-key',
  CHATGPT.accountHeader,
  'x-goog-api-key',
  'openai-organization',
  'openai-project',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'via',
  'x-real-ip',
  // The answer is searched for the key, which a packed one would hide.
  'accept-encoding',
])

/** What a service may not say to a sandbox; `location` would be an address that it cannot reach anyway. */
const NOT_TO_A_SANDBOX: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'alt-svc',
  'authorization',
  'location',
  'set-cookie',
  'strict-transport-security',
  'x-api-key',
])

/** Headers for the service: those of the client that may pass, the service's own name, and the credential. */
export function requestHeaders(
  client: IncomingHttpHeaders,
  to: { readonly api: ModelApi; readonly host: string; readonly credential: ModelCredential | null },
): OutgoingHttpHeaders {
  const named = namedByConnection(client)
  const headers: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(client)) {
    const passes = !NOT_FROM_A_SANDBOX.has(name) && !name.startsWith('x-forwarded-') && !named.has(name)
    if (passes && value !== undefined) headers[name] = value
  }
  keepFraming(client, headers)
  headers.host = to.host
  headers['accept-encoding'] = 'identity'
  const betas = [headers['anthropic-beta'] ?? []].flat().join(',')
  return to.credential === null ? headers : { ...headers, ...modelHeaders(to.api, to.credential, betas) }
}

/** Node sends the body of a GET unframed unless it is told: the server would read it as another request. */
export function keepFraming(client: IncomingHttpHeaders, headers: OutgoingHttpHeaders): void {
  if (client['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked'
}

/** Headers for the sandbox: those of the service that may pass, without any that holds the key. */
export function responseHeaders(service: IncomingHttpHeaders, key: string | null): OutgoingHttpHeaders {
  const named = namedByConnection(service)
  const headers: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(service)) {
    if (value === undefined || NOT_TO_A_SANDBOX.has(name) || named.has(name)) continue
    if (key !== null && [value].flat().some((text) => text.includes(key))) continue
    headers[name] = value
  }
  return headers
}

/** Names that a `connection` header makes a matter of this connection alone. */
export function namedByConnection(headers: IncomingHttpHeaders): ReadonlySet<string> {
  const names = (headers.connection ?? '').toLowerCase().split(',')
  // Whoever names the length a matter of this connection wants two servers to disagree about it.
  return new Set(names.map((name) => name.trim()).filter((name) => name !== 'content-length'))
}
