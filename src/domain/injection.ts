import type { SecretValue } from './secret.ts'

/** A request on its way out, as it was judged: the name that was connected to, not what a header says. */
export interface OutgoingRequest {
  /** Lower case, without a port. */
  readonly host: string
  readonly port: number
  /** Without the query. */
  readonly path: string
  /** Whether it goes out over TLS. */
  readonly secure: boolean
}

/** What is added to a request. */
export interface Injection {
  /** Lower-case names; each takes the place of the client's own. */
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** Texts that must not be seen in the answer. */
  readonly secrets: readonly string[]
}

/**
 * What this secret adds to the request; null when the request is none that it may be sent with: another host, port or
 * path, no TLS, or a kind that belongs to no host.
 */
export function injectionOf(value: SecretValue, request: OutgoingRequest): Injection | null {
  if (!('hosts' in value) || !covers(value, request)) return null
  switch (value.kind) {
    case 'header':
      return added({ headers: { [value.header.toLowerCase()]: value.value }, secrets: [value.value] })
    case 'oauth':
      return added({ headers: { authorization: `Bearer ${value.access}` }, secrets: [value.access] })
    case 'bearer':
      return added({ headers: { authorization: `Bearer ${value.token}` }, secrets: [value.token] })
    case 'basic': {
      const pair = Buffer.from(`${value.user}:${value.password}`).toString('base64')
      return added({ headers: { authorization: `Basic ${pair}` }, secrets: [value.password, pair] })
    }
    case 'query': {
      const secrets = [value.value, encodeURIComponent(value.value)]
      return added({ query: { [value.parameter]: value.value }, secrets: [...new Set(secrets)] })
    }
  }
}

/** Whether hosts and paths of a secret include a request. A path that could be read in two ways is in none. */
export function covers(
  where: { readonly hosts: readonly string[]; readonly paths: readonly string[] },
  request: OutgoingRequest,
): boolean {
  if (!request.secure) return false
  if (!coversHost(where, request)) return false
  return where.paths.length === 0 || where.paths.some((prefix) => isBelow(request.path, prefix))
}

/** Whether the hosts of a secret include this one, whatever the path. */
export function coversHost(
  where: { readonly hosts: readonly string[] },
  { host, port }: { readonly host: string; readonly port: number },
): boolean {
  return where.hosts.some((pattern) => hostMatches(pattern, host, port))
}

function hostMatches(pattern: string, host: string, port: number): boolean {
  const [name = '', wantedPort = '443'] = pattern.split(':')
  if (Number(wantedPort) !== port) return false
  if (!name.startsWith('*.')) return name === host
  const domain = name.slice(1)
  return host.endsWith(domain) && host.length > domain.length
}

/** Whether a path is a prefix or below it; one that could be read in two ways is below none. */
export function isBelow(path: string, prefix: string): boolean {
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[%\\?#;]|\/\.{1,2}(?:\/|$)|\/\//.test(path)) return false
  const folder = prefix.endsWith('/') ? prefix : `${prefix}/`
  return path === prefix || path.startsWith(folder)
}

function added(part: Partial<Injection> & Pick<Injection, 'secrets'>): Injection {
  return { headers: {}, query: {}, ...part }
}
