import { CreelError } from '../domain/errors.ts'
import { CLAUDE } from '../domain/login-services.ts'
import { type SecretKind, type SecretValue, serviceOf } from '../domain/secret.ts'

/** What `creel vault set` was told beside the value. */
export interface SetOptions {
  readonly kind?: SecretKind
  readonly host?: readonly string[]
  readonly path?: readonly string[]
  readonly header?: string
  readonly user?: string
  readonly parameter?: string
}

/** What is to be typed for a secret, as a question. */
export function questionFor(name: string, options: SetOptions): string {
  const kind = kindFor(name, options)
  const what: Partial<Record<SecretKind, string>> = {
    'api-key': serviceOf(name) === 'telegram' ? 'the token of the bot' : 'the key',
    'auth-file': 'the whole file',
    basic: `the password of ${options.user ?? 'the user'}`,
  }
  return `${name}: ${what[kind] ?? 'the value'}`
}

/** Makes the secret of what was typed. Throws CreelError that says which option is missing, never the value. */
export function secretValue(name: string, options: SetOptions, typed: string, now: number): SecretValue {
  const kind = kindFor(name, options)
  if (kind === 'api-key')
    return typed.startsWith(CLAUDE.tokenPrefix) ? setupToken(typed, now) : { kind, key: typed }
  if (kind === 'auth-file') return { kind, content: typed }
  if (kind === 'oauth')
    throw new CreelError('invalid', 'a login is made, not typed', { hint: `./creel vault login ${name}` })
  const where = { hosts: hostsOf(options), paths: [...(options.path ?? [])] }
  switch (kind) {
    case 'bearer':
      return { kind, token: typed, ...where }
    case 'header':
      return { kind, header: needed(options.header, '--header NAME'), value: typed, ...where }
    case 'basic':
      return { kind, user: needed(options.user, '--user NAME'), password: typed, ...where }
    case 'query':
      return { kind, parameter: needed(options.parameter, '--parameter NAME'), value: typed, ...where }
  }
}

/** The token that `claude setup-token` prints: a login that is not renewed. */
export function setupToken(token: string, now: number): SecretValue {
  return {
    kind: 'oauth',
    access: token,
    refresh: null,
    client: null,
    expiresAt: now + CLAUDE.tokenLifeMs,
    obtainedAt: now,
    account: null,
    hosts: [],
    paths: [],
    renewingSince: null,
    dead: null,
  }
}

function kindFor(name: string, { kind, header, user, parameter }: SetOptions): SecretKind {
  if (kind !== undefined) return kind
  if (serviceOf(name) !== null) return 'api-key'
  if (header !== undefined) return 'header'
  if (parameter !== undefined) return 'query'
  return user === undefined ? 'bearer' : 'basic'
}

function hostsOf({ host }: SetOptions): string[] {
  if (host !== undefined && host.length > 0) return [...host]
  throw new CreelError('invalid', 'which hosts may it be sent to?', {
    hint: 'add --host api.example.com; an API key of a model is called anthropic/NAME or openai/NAME',
  })
}

function needed(value: string | undefined, option: string): string {
  if (value !== undefined) return value
  throw new CreelError('invalid', `${option} is missing`)
}
