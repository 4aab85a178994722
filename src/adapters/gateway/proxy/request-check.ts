import type { IncomingMessage } from 'node:http'
import type { EgressTarget } from '../../../domain/ports/egress.ts'
import { isSameTarget, readTarget } from './target.ts'

const MAX_PATH = 16 * 1024

/** The address of a request to a proxy, `http://host/path`; null when it is none, or is read in two ways. */
export function readAbsolute(url: string): { target: EgressTarget; path: string } | null {
  const [, authority = '', path = ''] = /^http:\/\/([^/?#@]+)([/?].*)?$/i.exec(url) ?? []
  const target = readTarget(authority, 80)
  return target && { target, path: path.startsWith('/') ? path : `/${path}` }
}

/**
 * Why a request is not passed on, or null: it must be for the host of its connection and no other, and be read by every
 * server as it was read here. What Node's parser refuses (two lengths, a length and chunks, folded lines) is not here.
 */
export function whyNotPassed(
  request: IncomingMessage,
  path: string,
  target: EgressTarget,
  secure: boolean,
): string | null {
  const { method = '', httpVersion } = request
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'it has an odd version of HTTP'
  // Sends back what came, with the secret in it.
  if (method === 'TRACE') return 'TRACE is not passed on'
  const hosts = valuesOf(request, 'host')
  if (hosts.length !== 1) return 'it must have one Host header'
  const named = readTarget(hosts[0] ?? '', secure ? 443 : 80)
  if (named === null || !isSameTarget(named, target)) return 'its Host header is of another host'
  if (path.length > MAX_PATH) return 'its path is too long'
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[\\#]/.test(path)) return 'its path has odd characters'
  const codings = valuesOf(request, 'transfer-encoding')
  if (codings.length > 1 || codings.some((coding) => coding.toLowerCase() !== 'chunked'))
    return 'it has an odd transfer encoding'
  return null
}

/** Whether bytes may follow the head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
}
