import { DeniedError } from './policy.ts'

export interface RequestTarget {
  /** `v1.41`, or empty when the client named none. */
  readonly version: string
  /** Begins with `/`, without the version; only characters that mean themselves. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
  /** Keys that stood more than once; the first value is the one in `query`. */
  readonly repeated: ReadonlySet<string>
}

/** Nothing that needs decoding: no `%`, so that the engine cannot read a path differently than we do. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9_][A-Za-z0-9_.:-]*)+$/
/**
 * Versions below 1.24 let `start` carry a HostConfig, and older ones have more such doors; 1.40 is the oldest
 * that an engine we support (19.03) speaks natively.
 */
const VERSION = /^\/v1\.(\d{2})(?=\/)/
const OLDEST_MINOR = 40
const MAX_QUERY_KEYS = 200

/**
 * Takes a raw request target apart, strictly. Throws DeniedError for anything that is not in its plainest form:
 * encoded or empty path parts, dot segments, absolute URLs, old API versions.
 */
export function parseTarget(raw: string): RequestTarget {
  const cut = raw.indexOf('?')
  const rawPath = cut === -1 ? raw : raw.slice(0, cut)
  if (!PLAIN_PATH.test(rawPath)) throw new DeniedError('the path is not in its plain form')
  const version = VERSION.exec(rawPath)
  if (version !== null && Number(version[1]) < OLDEST_MINOR)
    throw new DeniedError(`API versions below 1.${OLDEST_MINOR} are not served`)
  const prefix = version?.[0] ?? ''
  const query = new Map<string, string>()
  const repeated = new Set<string>()
  for (const [key, value] of new URLSearchParams(cut === -1 ? '' : raw.slice(cut + 1))) {
    if (query.has(key)) repeated.add(key)
    else query.set(key, value)
  }
  if (query.size > MAX_QUERY_KEYS) throw new DeniedError('too many query keys')
  return { version: prefix.slice(1), path: rawPath.slice(prefix.length), query, repeated }
}
