import type { InstallConfig } from '../config/schema.ts'
import { injectionOf } from '../domain/injection.ts'
import { modelHeaders } from '../domain/model-headers.ts'
import type { ModelCredential } from '../domain/ports/gateway.ts'
import { type StoredSecret, serviceOf } from '../domain/secret.ts'

/** The cheapest real call that shows whether a secret works. */
export interface CheckCall {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Texts that must not be shown of what comes back. */
  readonly secrets: readonly string[]
}

/** What `creel vault test` found. */
export interface CheckResult {
  readonly ok: boolean
  readonly what: string
  readonly ms: number
}

const ANTHROPIC_VERSION = '2023-06-01'

/** The call for a secret (of a login: the renewed one); a text where none is possible. */
export function checkCall({ name, value }: StoredSecret, config: InstallConfig): CheckCall | string {
  const service = serviceOf(name)
  if (value.kind === 'auth-file') return 'it is kept as it is, and not sent anywhere'
  if (service === 'telegram' && value.kind === 'api-key') {
    const bot = config.telegram.find(({ token_secret }) => token_secret === name)
    const root = bot?.api_root || 'https://api.telegram.org'
    return { url: `${root.replace(/\/+$/, '')}/bot${value.key}/getMe`, headers: {}, secrets: [value.key] }
  }
  const isModel = service === 'anthropic' || service === 'openai'
  if (isModel && (value.kind === 'api-key' || value.kind === 'oauth')) {
    if (service === 'openai' && value.kind === 'oauth')
      return 'the login is good; what its models answer is shown by ./creel provider test GROUP'
    const credential: ModelCredential =
      value.kind === 'api-key'
        ? { kind: 'key', key: value.key }
        : { kind: 'login', key: value.access, account: value.account }
    const base = config.models[service].base_url.replace(/\/+$/, '')
    const version = service === 'anthropic' ? { 'anthropic-version': ANTHROPIC_VERSION } : {}
    return {
      url: `${base}/v1/models${service === 'anthropic' ? '?limit=1' : ''}`,
      headers: { ...modelHeaders(service, credential), ...version },
      secrets: [credential.key],
    }
  }
  return 'hosts' in value ? hostCall(value) : 'it belongs to no service that Creel knows'
}

function hostCall(
  value: StoredSecret['value'] & { readonly hosts: readonly string[]; paths: readonly string[] },
) {
  const pattern = value.hosts.find((host) => !host.startsWith('*'))
  if (pattern === undefined) return 'its hosts are a pattern, so it is not known which one to ask'
  const [host = '', port = '443'] = pattern.split(':')
  const path = value.paths[0] ?? '/'
  const injection = injectionOf(value, { host, port: Number(port), path, secure: true })
  if (injection === null) return 'it belongs to no host'
  const query = new URLSearchParams(injection.query).toString()
  return {
    url: `https://${pattern}${path}${query === '' ? '' : `?${query}`}`,
    headers: injection.headers,
    secrets: injection.secrets,
  }
}
