import { ConfigError } from '../../../domain/errors.ts'

/** The addresses under which this server may be spoken to, as browsers write them. */
export interface AllowedSites {
  /** Values of the Host header. */
  readonly hosts: ReadonlySet<string>
  /** Values of the Origin header. */
  readonly origins: ReadonlySet<string>
  /** What goes before `/login`, without a trailing slash. */
  readonly publicOrigin: string
}

/**
 * Everything else is refused: a page elsewhere that makes a browser post here (CSRF), or that lets its own name
 * point to this address (DNS rebinding, threat T11). `port` is the port that is really listened on.
 */
export function allowedSites(host: string, port: number, publicUrl: string): AllowedSites {
  const names = new Set(['127.0.0.1', 'localhost'])
  if (host === '::1' || host === '::') names.add('[::1]')
  if (host !== '0.0.0.0' && host !== '::') names.add(host.includes(':') ? `[${host}]` : host.toLowerCase())
  const hosts = new Set<string>()
  const origins = new Set<string>()
  for (const name of names) {
    const { host: written, origin } = new URL(`http://${name}:${port}`)
    hosts.add(written)
    origins.add(origin)
  }
  const open = host === '0.0.0.0' || host === '::'
  const own = open ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  if (publicUrl === '') return { hosts, origins, publicOrigin: new URL(`http://${own}:${port}`).origin }
  const { host: written, origin } = parsePublicUrl(publicUrl)
  return { hosts: hosts.add(written), origins: origins.add(origin), publicOrigin: origin }
}

/** Throws a ConfigError that names the key. */
export function parsePublicUrl(publicUrl: string): URL {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : null
  const fits =
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === ''
  if (fits) return url
  throw new ConfigError(
    'creel.toml',
    ['web.public_url: expected an address such as "https://creel.example.org" without a path'],
    'Write the address that people type into their browser, or leave the key out.',
  )
}
