import { z } from 'zod'
import { PROVIDER_SERVICES } from '../config/schema.ts'
import { CreelError } from '../domain/errors.ts'
import {
  SERVICES,
  type SecretInfo,
  SecretName,
  SecretValue,
  secretInfo,
  serviceOf,
  VaultContent,
} from '../domain/secret.ts'
import { findSecret, makeDefault, noSuchSecret, putSecret, removeSecret } from '../domain/vault-edits.ts'
import { modelSecret } from '../secrets/credentials.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

/** A line of `creel vault list`. */
export interface SecretLine extends SecretInfo {
  /** Agents whose requests may go with it. */
  readonly groups: readonly string[]
}

/** Nothing here gives the value of a secret out, but `vault-export`, for a file that the CLI encrypts. */
export const vaultList: OperatorCommand = {
  async run({ vault, groups }) {
    const content = await vault.read()
    const users = secretUsers(groups, content)
    return {
      ...vault.place(),
      secrets: content.secrets.map(
        (secret): SecretLine => ({
          ...secretInfo(content, secret),
          groups: users.get(secret.name) ?? [],
        }),
      ),
      missing: groups.names().flatMap((group) =>
        namesFor(groups, content, group)
          .filter((name) => findSecret(content, name) === null)
          .map((name) => ({ group, name })),
      ),
      keyless: groups.names().flatMap((group) => servicesWithout(groups, content, group)),
    }
  },
}

const Name = z.object({ name: SecretName })
const SetArgs = z.object({ name: SecretName, value: SecretValue, default: z.boolean().default(false) })

export const vaultSet: OperatorCommand = {
  async run({ vault, clock }, args) {
    const parsed = SetArgs.safeParse(args)
    // What was refused is not shown: it is the secret.
    if (!parsed.success)
      throw new CreelError('invalid', `not a secret that can be kept: ${issues(parsed.error)}`)
    const { name, value, default: asDefault } = parsed.data
    checkName(name, value)
    const content = await vault.change(putSecret(name, value, clock.now(), asDefault))
    const secret = findSecret(content, name)
    if (secret === null) throw noSuchSecret(name)
    return secretInfo(content, secret)
  },
}

export const vaultRemove: OperatorCommand = {
  async run({ vault, groups }, args) {
    const { name } = Name.parse(args)
    const users = secretUsers(groups, await vault.read()).get(name) ?? []
    await vault.change(removeSecret(name))
    return { removed: name, groups: users }
  },
}

export const vaultDefault: OperatorCommand = {
  async run({ vault }, args) {
    const { name } = Name.parse(args)
    await vault.change(makeDefault(name))
    return { default: name }
  },
}

export const vaultTest: OperatorCommand = {
  async run({ testSecret }, args) {
    const { name } = Name.parse(args)
    return { name, ...(await testSecret(name)) }
  },
}

export const vaultRotate: OperatorCommand = {
  async run({ vault }) {
    return { result: await vault.rotate(), key: vault.place().key }
  },
}

export const vaultExport: OperatorCommand = {
  async run({ vault }) {
    return { content: await vault.read() }
  },
}

const ImportArgs = z.object({ content: VaultContent, replace: z.boolean().default(false) })

/** Secrets that are there already stay, unless they are to be replaced. */
export const vaultImport: OperatorCommand = {
  async run({ vault, clock }, args) {
    const parsed = ImportArgs.safeParse(args)
    if (!parsed.success) throw new CreelError('invalid', `not an export of a vault: ${issues(parsed.error)}`)
    const { content, replace } = parsed.data
    const set: string[] = []
    const kept: string[] = []
    await vault.change((now) => {
      let next = now
      for (const { name, value } of content.secrets) {
        const isKept = !replace && findSecret(now, name) !== null
        if (isKept) kept.push(name)
        else {
          set.push(name)
          next = putSecret(name, value, clock.now())(next)
        }
      }
      for (const service of SERVICES) {
        const name = content.defaults[service]
        if (name !== undefined && now.defaults[service] === undefined && findSecret(next, name) !== null)
          next = makeDefault(name)(next)
      }
      return next
    })
    return { set, kept }
  },
}

/** Which agents may use which secret; an agent whose settings cannot be read may use none. */
export function secretUsers(
  groups: OperatorPorts['groups'],
  content: VaultContent,
): ReadonlyMap<string, string[]> {
  const users = new Map<string, string[]>()
  for (const group of groups.names()) {
    for (const name of namesFor(groups, content, group)) users.set(name, [...(users.get(name) ?? []), group])
  }
  return users
}

function namesFor(
  groups: OperatorPorts['groups'],
  content: VaultContent,
  group: Parameters<OperatorPorts['groups']['load']>[0],
): readonly string[] {
  try {
    const { secrets, provider } = groups.load(group)
    return (
      secrets ?? (PROVIDER_SERVICES[provider] ?? []).flatMap((service) => content.defaults[service] ?? [])
    )
  } catch {
    // Its own line of `creel status` says what is wrong with it.
    return []
  }
}

/** The model service that an agent's provider calls, when the vault has nothing for it. */
function servicesWithout(
  groups: OperatorPorts['groups'],
  content: VaultContent,
  group: Parameters<OperatorPorts['groups']['load']>[0],
): readonly { group: string; service: string; named: boolean }[] {
  try {
    const config = groups.load(group)
    const services = PROVIDER_SERVICES[config.provider] ?? []
    const [first] = services
    // One of several is enough: which of them it calls is a matter of its model.
    if (first === undefined || services.some((service) => modelSecret(content, config, service) !== null))
      return []
    return [{ group, service: first, named: config.secrets !== undefined }]
  } catch {
    // Its own line of `creel status` says what is wrong with it.
    return []
  }
}

/** A profile of a service is of a kind that the service takes, and a name with a slash is such a profile. */
function checkName(name: string, value: SecretValue): void {
  const service = serviceOf(name)
  const known = SERVICES.join(', ')
  if (SERVICES.some((known) => known === name))
    throw new CreelError('invalid', `${name} is a service: which profile of it?`, {
      hint: `./creel vault set ${name}/main`,
    })
  if (name.includes('/') && service === null)
    throw new CreelError('invalid', `${name}: there is no service of this name (there is: ${known})`, {
      hint: 'a secret for other hosts has a name without a slash',
    })
  const kinds = service === null ? null : service === 'telegram' ? ['api-key'] : ['api-key', 'oauth']
  if (kinds !== null && !kinds.includes(value.kind))
    throw new CreelError('invalid', `${name}: expected the kind ${kinds.join(' or ')}, got ${value.kind}`)
  if (service === null && value.kind === 'api-key')
    throw new CreelError('invalid', `${name}: an api-key belongs to a service (${known})`, {
      hint: 'for other hosts: --kind bearer --host api.example.com',
    })
}

/** Which parts are wrong, without what stands in them. */
function issues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map(({ path, message, code }) => {
      const where = path.join('.') || 'it'
      return code === 'invalid_format' || code === 'custom'
        ? `${where}: expected ${message}`
        : `${where}: ${plain(code)}`
    })
    .join('; ')
}

function plain(code: string): string {
  return code === 'too_big' ? 'is too long' : code === 'too_small' ? 'is missing' : 'is not of the right form'
}
