import type { Clock } from '../domain/ports/clock.ts'
import type { Vault } from '../domain/ports/vault.ts'
import { type SecretInfo, secretInfo } from '../domain/secret.ts'

/** Something about a secret that the owner should know. The same `key` is the same news. */
export interface SecretWarning {
  readonly key: string
  readonly text: string
}

const DAY_MS = 86_400_000
/** How long before its end a token that is not renewed is warned of. */
export const ENDS_SOON_MS = 14 * DAY_MS
/** What is remembered of trouble at most; beyond it, the oldest is forgotten. */
const MAX_NOTED = 100

/** What the vault itself shows: logins that were refused, tokens at their end. */
export function vaultWarnings(secrets: readonly SecretInfo[], now: number): SecretWarning[] {
  return secrets.flatMap(({ name, dead, renewed, expiresAt, changedAt }): SecretWarning[] => {
    const again = `log in again with \`./creel vault login ${name}\``
    if (dead !== null)
      return [
        {
          key: `secret:dead:${name}:${changedAt}:${dead.length}`,
          text: `The login **${name}** cannot be used any more: ${dead}. Agents that need it cannot answer: ${again}. Other agents go on.`,
        },
      ]
    if (renewed || expiresAt === null || expiresAt - now > ENDS_SOON_MS) return []
    const day = new Date(expiresAt).toISOString().slice(0, 10)
    return expiresAt <= now
      ? [
          {
            key: `secret:ended:${name}:${expiresAt}`,
            text: `The login **${name}** ended on ${day}: ${again}.`,
          },
        ]
      : [
          {
            key: `secret:ending:${name}:${expiresAt}`,
            text: `The login **${name}** ends on ${day}: ${again}.`,
          },
        ]
  })
}

interface Noted extends SecretWarning {
  readonly at: number
  /** The secret it is about, if it is about one. */
  readonly name: string | null
}

/** Gathers what the owner is to be told of secrets, also trouble that only requests show. */
export class SecretWarnings {
  readonly #vault: Pick<Vault, 'read'>
  readonly #clock: Pick<Clock, 'now'>
  readonly #noted = new Map<string, Noted>()

  constructor(vault: Pick<Vault, 'read'>, clock: Pick<Clock, 'now'>) {
    this.#vault = vault
    this.#clock = clock
  }

  /** A service does not take a secret. Once for the secret as it is now. */
  refused(name: string, service: string): void {
    const text = `The service ${service} does not take the secret **${name}**: it may have been revoked. \`./creel vault test ${name}\` tries it, \`./creel vault set ${name}\` changes it.`
    this.#note(`secret:refused:${name}`, name, text)
  }

  /** A group's credential cannot be used. Once a day per reason. */
  unusable(group: string, what: string, reason: string): void {
    const day = Math.floor(this.#clock.now() / DAY_MS)
    const text = `The agent **${group}** has no usable credential for ${what}: ${reason}`
    this.#note(`secret:unusable:${group}:${what}:${day}:${reason.slice(0, 80)}`, null, text)
  }

  /** Everything there is to tell now; telling the same twice is for the caller to avoid. */
  async current(): Promise<readonly SecretWarning[]> {
    const noted = [...this.#noted.values()]
    let infos: readonly SecretInfo[]
    try {
      const content = await this.#vault.read()
      infos = content.secrets.map((secret) => secretInfo(content, secret))
    } catch {
      // A vault that cannot be opened is told of by whoever needs it, and by doctor.
      return noted.filter(({ name }) => name === null)
    }
    // A secret that was set anew is another one: what was wrong with the old one is over.
    const still = noted.flatMap((warning) => {
      if (warning.name === null) return [warning]
      const info = infos.find(({ name }) => name === warning.name)
      return info === undefined || info.changedAt > warning.at
        ? []
        : [{ ...warning, key: `${warning.key}:${info.changedAt}` }]
    })
    return [...vaultWarnings(infos, this.#clock.now()), ...still]
  }

  #note(key: string, name: string | null, text: string): void {
    this.#noted.delete(key)
    this.#noted.set(key, { key, name, text, at: this.#clock.now() })
    const [oldest] = this.#noted.keys()
    if (this.#noted.size > MAX_NOTED && oldest !== undefined) this.#noted.delete(oldest)
  }
}
