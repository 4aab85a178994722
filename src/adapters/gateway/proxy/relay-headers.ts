import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Injection } from '../../../domain/injection.ts'
import { HOP_BY_HOP, keepFraming, namedByConnection } from '../headers.ts'

/** Beside what concerns one connection: what a client says of the way, which is the gateway's business. */
const NOT_SENT: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'expect',
  'forwarded',
  'host',
  'via',
  'x-real-ip',
])

/** `alt-svc` would lead past the gateway, to where nothing answers. */
const NOT_RETURNED: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'alt-svc'])

/** A shorter text would be found in everything. */
const MIN_SECRET = 4

/** Headers for the server: the client's without those that may not pass, and what is injected in place of its own. */
export function sentHeaders(
  client: IncomingHttpHeaders,
  to: { readonly host: string; readonly injection: Injection | null; readonly loopMark: string | null },
): OutgoingHttpHeaders {
  const named = namedByConnection(client)
  const headers: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(client)) {
    const passes =
      !NOT_SENT.has(name) && !/^(?:x-forwarded-|proxy-)/.test(name) && !named.has(name) && value !== undefined
    if (passes) headers[name] = value
  }
  keepFraming(client, headers)
  if (to.loopMark !== null) headers.via = `1.1 ${to.loopMark}`
  if (to.injection) {
    Object.assign(headers, to.injection.headers)
    // The answer is searched for the secret, which a packed one would hide.
    headers['accept-encoding'] = 'identity'
    delete headers['sec-websocket-extensions']
  }
  headers.host = to.host
  return headers
}

/** Path and query with what is injected in place of the client's own parameters of that name. */
export function sentPath(path: string, injection: Injection | null): string {
  const added = Object.entries(injection?.query ?? {})
  if (added.length === 0) return path
  const cut = path.indexOf('?')
  const own = cut < 0 ? [] : path.slice(cut + 1).split('&')
  const names = new Set(added.map(([name]) => name))
  const kept = own.filter((part) => part !== '' && !names.has(nameOf(part)))
  const pairs = added.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return `${cut < 0 ? path : path.slice(0, cut)}?${[...kept, ...pairs].join('&')}`
}

/** Headers for the client, each secret in them as asterisks. */
export function returnedHeaders(
  server: IncomingHttpHeaders,
  secrets: readonly string[],
): OutgoingHttpHeaders {
  const named = namedByConnection(server)
  const headers: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(server)) {
    if (value === undefined || NOT_RETURNED.has(name) || named.has(name)) continue
    headers[name] = Array.isArray(value) ? value.map((text) => masked(text, secrets)) : masked(value, secrets)
  }
  return headers
}

/** The texts that an answer is searched for, the longest first. */
export function searchedSecrets(injection: Injection | null): string[] {
  const secrets = (injection?.secrets ?? []).filter((secret) => secret.length >= MIN_SECRET)
  return secrets.toSorted((a, b) => b.length - a.length)
}

function masked(text: string, secrets: readonly string[]): string {
  return secrets.reduce((masking, secret) => masking.replaceAll(secret, '*'.repeat(secret.length)), text)
}

function nameOf(part: string): string {
  const name = (part.split('=')[0] ?? '').replaceAll('+', ' ')
  try {
    return decodeURIComponent(name)
  } catch (error) {
    if (error instanceof URIError) return name
    throw error
  }
}
