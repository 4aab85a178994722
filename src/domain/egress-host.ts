import { canonicalIpv6, isIpv4 } from './ip-address.ts'

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * A host in the one form that hosts are compared in: lower-case ASCII without a trailing dot, an address in canonical
 * form without brackets. Null for everything else, such as names that some programs read as an address (`127.1`,
 * `0x7f.1`, `2130706433`) and names that are not in ASCII.
 */
export function canonicalHost(text: string): string | null {
  // Before it is lower-cased: the Kelvin sign becomes a "k" by that.
  if (text.length > 255 || !/^[\x21-\x7e]+$/.test(text)) return null
  const host = text.toLowerCase()
  if (host.startsWith('[') && host.endsWith(']')) return canonicalIpv6(host.slice(1, -1))
  if (host.includes(':')) return canonicalIpv6(host)
  if (isIpv4(host)) return host
  const name = host.endsWith('.') ? host.slice(0, -1) : host
  const labels = name.split('.')
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) return null
  return /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? null : name
}

/** Whether a host in canonical form is an address and not a name. */
export function isAddress(host: string): boolean {
  return isIpv4(host) || canonicalIpv6(host) !== null
}

/** `*`, `*.example.com` (all below it, not itself), a name or an address; null for what is none of them. */
export function canonicalPattern(text: string): string | null {
  if (text === '*') return text
  if (!text.startsWith('*.')) return canonicalHost(text)
  const below = canonicalHost(text.slice(2))
  return below === null || isAddress(below) ? null : `*.${below}`
}

/** Both in canonical form. */
export function hostMatches(pattern: string, host: string): boolean {
  if (pattern === '*') return true
  if (!pattern.startsWith('*.')) return pattern === host
  const below = pattern.slice(1)
  return host.endsWith(below) && host.length > below.length
}

/**
 * Domains below which anybody can have a name of their own: what is sent to `*.` of them can be read by anybody. Not
 * the whole public suffix list, but what people are likely to write.
 */
const SHARED: readonly string[] = [
  ...['amazonaws.com', 'appspot.com', 'azurewebsites.net', 'blob.core.windows.net', 'cloudfront.net'],
  ...['deno.dev', 'duckdns.org', 'firebaseapp.com', 'fly.dev', 'github.io', 'gitlab.io', 'herokuapp.com'],
  ...['ngrok-free.app', 'ngrok.app', 'ngrok.io', 'netlify.app', 'onrender.com', 'pages.dev', 'r2.dev'],
  ...['run.app', 'sslip.io', 'nip.io', 'trycloudflare.com', 'vercel.app', 'web.app', 'workers.dev'],
]

/** Whether strangers can have names that the pattern covers: `*`, `*.com`, `*.co.uk`, `*.github.io`. */
export function isTooWide(pattern: string): boolean {
  if (pattern === '*') return true
  if (!pattern.startsWith('*.')) return false
  const below = pattern.slice(2)
  const isSuffix = /^[^.]+$|^(?:ac|co|com|edu|gov|ne|net|or|org)\.[a-z]{2}$/.test(below) && !LOCAL.test(below)
  // "*.s3.amazonaws.com" as much as "*.amazonaws.com", for each of its buckets is somebody's.
  return isSuffix || SHARED.some((shared) => below === shared || below.endsWith(`.${shared}`))
}

const LOCAL = /(?:^|\.)(?:localhost|local|lan|internal|home|home\.arpa|intranet|corp)$/

/** Whether a name is one that is only known inside of a machine or a home network. */
export function isLocalName(host: string): boolean {
  return !host.includes('.') || LOCAL.test(host)
}
