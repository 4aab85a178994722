import { z } from 'zod'

/** What is kept at most: one secret's longest part, and how many there may be. */
const MAX_TOKEN = 16_384
const MAX_FILE = 262_144
export const MAX_SECRETS = 500

/** Services that Creel itself speaks to. A secret `anthropic/work` is the profile `work` of one of them. */
export const SERVICES = ['anthropic', 'openai', 'telegram'] as const
export type SecretService = (typeof SERVICES)[number]

const NAME = /^[a-z0-9][a-z0-9_-]{0,39}(?:\/[a-z0-9][a-z0-9_-]{0,39})?$/

export const SecretName = z
  .string()
  .regex(NAME, 'a name of lower-case letters, digits, - and _, such as anthropic/work or github')

/** Visible ASCII: it can stand in a header as it is. Never echoes what it refuses: that would be the secret. */
const Token = z
  .string()
  .min(1)
  .max(MAX_TOKEN)
  .regex(/^[\x21-\x7e]+$/, 'one line of visible characters without spaces')

/** `api.example.com`, `*.example.com` (all below it), each with `:port` when it is not 443. Lower case. */
export const HostPattern = z
  .string()
  .max(255)
  .regex(
    /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?$/,
    'a host such as api.example.com, *.example.com or api.example.com:8443',
  )

/** A path and all below it: `/repos/acme`. */
export const PathPattern = z
  .string()
  .max(1_024)
  .regex(/^\/[\x21-\x7e]*$/, 'a path that begins with a slash')
  .refine((path) => !/[%?#\\*]|\/\.{1,2}(?:\/|$)|\/\//.test(path), 'a plain path without %, ?, # or *')

/** Where a secret may be sent, and nowhere else. */
const WHERE = {
  hosts: z.array(HostPattern).min(1).max(50),
  /** Empty = every path. */
  paths: z.array(PathPattern).max(50).default([]),
}

/** Where and as whom a login is renewed. */
export const LoginClient = z.strictObject({
  /** Without TLS on this machine alone. */
  tokenUrl: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => /^https:|^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/]/.test(url),
      'an https address',
    ),
  clientId: z.string().min(1).max(500),
  /** How the token server wants to be asked. RFC 6749 says a form. */
  body: z.enum(['form', 'json']).default('form'),
})
export type LoginClient = z.infer<typeof LoginClient>

const Millis = z.number().int().nonnegative()

export const OAuthSecret = z.strictObject({
  kind: z.literal('oauth'),
  access: Token,
  /** Null: this token is not renewed, it ends when it ends. */
  refresh: Token.nullable(),
  /** UTC ms; null = the service has not said. */
  expiresAt: Millis.nullable(),
  obtainedAt: Millis,
  /** The account at the service, where its requests must name it. */
  account: Token.nullable().default(null),
  /** Where it may be sent beside the service that its name says; empty for a profile of a service. */
  hosts: z.array(HostPattern).max(50).default([]),
  paths: z.array(PathPattern).max(50).default([]),
  /** Null together with `refresh`. */
  client: LoginClient.nullable().default(null),
  /** Written before a renewal is asked for, gone with its answer: a kill between the two can be told. */
  renewingSince: Millis.nullable().default(null),
  /** The service refused to renew it: only a person can log in again. */
  dead: z
    .strictObject({ at: Millis, reason: z.string().max(300) })
    .nullable()
    .default(null),
})
export type OAuthSecret = z.infer<typeof OAuthSecret>

/** What is kept, by how it is used. */
export const SecretValue = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('api-key'), key: Token }),
  OAuthSecret,
  /** Kept for a part of the host that needs the whole file; never put into a request. */
  z.strictObject({ kind: z.literal('auth-file'), content: z.string().min(1).max(MAX_FILE) }),
  z.strictObject({
    kind: z.literal('header'),
    header: z
      .string()
      .max(100)
      .regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'the name of a header'),
    value: z
      .string()
      .min(1)
      .max(MAX_TOKEN)
      .regex(/^[\x20-\x7e]+$/, 'one line of visible characters'),
    ...WHERE,
  }),
  z.strictObject({ kind: z.literal('bearer'), token: Token, ...WHERE }),
  z.strictObject({
    kind: z.literal('basic'),
    user: z
      .string()
      .max(500)
      .regex(/^[^:\p{Cc}]*$/u, 'a name without a colon'),
    password: z
      .string()
      .min(1)
      .max(MAX_TOKEN)
      .regex(/^[^\p{Cc}]+$/u, 'one line'),
    ...WHERE,
  }),
  z.strictObject({
    kind: z.literal('query'),
    parameter: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[\w.-]+$/, 'the name of a parameter'),
    value: Token,
    ...WHERE,
  }),
])
export type SecretValue = z.infer<typeof SecretValue>
export type SecretKind = SecretValue['kind']

export const secretKinds: readonly SecretKind[] = [
  'api-key',
  'oauth',
  'auth-file',
  'header',
  'bearer',
  'basic',
  'query',
]

export const StoredSecret = z.strictObject({
  name: SecretName,
  value: SecretValue,
  changedAt: Millis,
  /** Exact to the hour: it is not worth a write at each request. */
  lastUsedAt: Millis.nullable().default(null),
})
export type StoredSecret = z.infer<typeof StoredSecret>

/** Everything in the vault. */
export const VaultContent = z.strictObject({
  version: z.literal(1),
  secrets: z.array(StoredSecret).max(MAX_SECRETS),
  /** Name of each service's default profile. */
  defaults: z.partialRecord(z.enum(SERVICES), SecretName).default({}),
})
export type VaultContent = z.infer<typeof VaultContent>

/** What may be shown of a secret. */
export interface SecretInfo {
  readonly name: string
  readonly kind: SecretKind
  readonly service: SecretService | null
  /** The profile that groups use which name none. */
  readonly isDefault: boolean
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly expiresAt: number | null
  /** Whether Creel renews it by itself. */
  readonly renewed: boolean
  readonly account: string | null
  readonly changedAt: number
  readonly lastUsedAt: number | null
  /** Why it cannot be used any more; null while it can. */
  readonly dead: string | null
}

/** Every text in the vault that must not be seen. */
export function secretTexts(content: VaultContent): string[] {
  return content.secrets.flatMap(({ value }) => textsOf(value))
}

function textsOf(value: SecretValue): string[] {
  switch (value.kind) {
    case 'api-key':
      return [value.key]
    case 'oauth':
      return value.refresh === null ? [value.access] : [value.access, value.refresh]
    case 'auth-file':
      return [value.content]
    case 'bearer':
      return [value.token]
    case 'basic':
      return [value.password, Buffer.from(`${value.user}:${value.password}`).toString('base64')]
    case 'header':
    case 'query':
      return [value.value]
  }
}

/** The service whose profile a secret is: the part of its name before the slash. */
export function serviceOf(name: string): SecretService | null {
  const [service, profile] = name.split('/')
  return profile === undefined ? null : (SERVICES.find((known) => known === service) ?? null)
}

/** Leaves out every part that is a secret. */
export function secretInfo(content: VaultContent, { name, value, ...times }: StoredSecret): SecretInfo {
  const service = serviceOf(name)
  const login = value.kind === 'oauth' ? value : null
  const where = 'hosts' in value ? value : { hosts: [], paths: [] }
  return {
    name,
    kind: value.kind,
    service,
    isDefault: service !== null && content.defaults[service] === name,
    hosts: where.hosts,
    paths: where.paths,
    expiresAt: login?.expiresAt ?? null,
    renewed: login !== null && login.refresh !== null,
    account: login?.account ?? null,
    changedAt: times.changedAt,
    lastUsedAt: times.lastUsedAt,
    dead: login?.dead?.reason ?? null,
  }
}
