import { canonicalIpv6, isIpv4 } from '../../../domain/ip-address.ts'
import type { EgressTarget } from '../../../domain/ports/egress.ts'

const MAX_NAME = 253
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const AUTHORITY = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,254}))(?::(\d{1,5}))?$/i

/**
 * `host:port` as a client wrote it; null for what is none, or could be read in two ways (`127.1`, `0x7f.1`, two dots).
 * Without `defaultPort` the port must be there.
 */
export function readTarget(authority: string, defaultPort: number | null): EgressTarget | null {
  const [, six, name, digits] = AUTHORITY.exec(authority) ?? []
  const host = six === undefined ? plainHost(name ?? '') : canonicalIpv6(six)
  const port = digits === undefined ? defaultPort : Number(digits)
  if (host === null || port === null || port < 1 || port > 65_535) return null
  return { host, port }
}

/** A name in lower case without its final dot, or an IPv4 address in its one form; null for anything else. */
export function plainHost(text: string): string | null {
  const host = text.toLowerCase().replace(/\.$/, '')
  if (isIpv4(host)) return host
  const labels = host.split('.')
  // What ends in a number is taken for an address by some.
  const last = labels.at(-1) ?? ''
  if (host.length > MAX_NAME || /^(?:\d+|0x[0-9a-f]*)$/.test(last)) return null
  return labels.every((label) => LABEL.test(label)) ? host : null
}

/** How a target is written in a `Host` header and in messages. */
export function authorityOf({ host, port }: EgressTarget, defaultPort: number | null = null): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === defaultPort ? name : `${name}:${port}`
}

export function isSameTarget(a: EgressTarget, b: EgressTarget): boolean {
  return a.host === b.host && a.port === b.port
}
