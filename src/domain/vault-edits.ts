// Changes of the vault's content, as pure functions: a Vault applies them one after the other.
import { CreelError } from './errors.ts'
import { MAX_SECRETS, type SecretValue, type StoredSecret, serviceOf, type VaultContent } from './secret.ts'

export type VaultEdit = (content: VaultContent) => VaultContent

/** Finer than this nobody asks when a secret was last used. */
const USE_GRAIN_MS = 3_600_000

export function findSecret(content: VaultContent, name: string): StoredSecret | null {
  return content.secrets.find((secret) => secret.name === name) ?? null
}

/** Adds a secret or replaces its value. The first profile of a service becomes its default. */
export function putSecret(name: string, value: SecretValue, now: number, asDefault = false): VaultEdit {
  return (content) => {
    const others = content.secrets.filter((secret) => secret.name !== name)
    if (others.length >= MAX_SECRETS)
      throw new CreelError('invalid', `the vault is full: it holds ${MAX_SECRETS} secrets`, {
        hint: './creel vault list shows which are not used any more',
      })
    const service = serviceOf(name)
    const isFirst = service !== null && content.defaults[service] === undefined
    const secrets = [...others, { name, value, changedAt: now, lastUsedAt: null }]
    return {
      ...content,
      secrets: secrets.sort((a, b) => (a.name < b.name ? -1 : 1)),
      defaults:
        service !== null && (isFirst || asDefault)
          ? { ...content.defaults, [service]: name }
          : content.defaults,
    }
  }
}

/** Another profile of the service becomes its default, when one is left. Throws `not_found`. */
export function removeSecret(name: string): VaultEdit {
  return (content) => {
    if (findSecret(content, name) === null) throw noSuchSecret(name)
    const secrets = content.secrets.filter((secret) => secret.name !== name)
    const service = serviceOf(name)
    const { ...defaults } = content.defaults
    if (service !== null && defaults[service] === name) {
      const next = secrets.find((secret) => serviceOf(secret.name) === service)
      if (next === undefined) delete defaults[service]
      else defaults[service] = next.name
    }
    return { ...content, secrets, defaults }
  }
}

/** Throws `not_found`, or `invalid` for a secret that is no profile of a service. */
export function makeDefault(name: string): VaultEdit {
  return (content) => {
    if (findSecret(content, name) === null) throw noSuchSecret(name)
    const service = serviceOf(name)
    if (service === null)
      throw new CreelError('invalid', `${name} is not the profile of a service, so it cannot be a default`)
    return { ...content, defaults: { ...content.defaults, [service]: name } }
  }
}

/** Changes the value of one secret; nothing happens when it is gone or `change` returns null. */
export function changeValue(name: string, change: (value: SecretValue) => SecretValue | null): VaultEdit {
  return (content) => {
    const secret = findSecret(content, name)
    const value = secret === null ? null : change(secret.value)
    if (secret === null || value === null) return content
    return { ...content, secrets: content.secrets.map((old) => (old === secret ? { ...old, value } : old)) }
  }
}

/** Notes when secrets were used; no change, and so no write, when it is known to the hour. */
export function noteUse(names: ReadonlyMap<string, number>): VaultEdit {
  return (content) => {
    const isNews = ({ name, lastUsedAt }: StoredSecret) =>
      (names.get(name) ?? 0) >= (lastUsedAt ?? -USE_GRAIN_MS) + USE_GRAIN_MS
    if (!content.secrets.some(isNews)) return content
    return {
      ...content,
      secrets: content.secrets.map((secret) =>
        isNews(secret) ? { ...secret, lastUsedAt: names.get(secret.name) ?? null } : secret,
      ),
    }
  }
}

export function noSuchSecret(name: string): CreelError {
  return new CreelError('not_found', `there is no secret ${name} in the vault`, {
    hint: './creel vault list shows which there are',
  })
}
