import type { Groups } from '../config/groups.ts'
import { type GroupConfig, PROVIDER_SERVICES } from '../config/schema.ts'
import { CreelError, errorText } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import { type Injection, injectionOf, type OutgoingRequest } from '../domain/injection.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { ModelApi, ModelCredential, ModelCredentials } from '../domain/ports/gateway.ts'
import { LoginRefusedError } from '../domain/ports/token-server.ts'
import type { Vault } from '../domain/ports/vault.ts'
import { type StoredSecret, serviceOf, type VaultContent } from '../domain/secret.ts'
import { findSecret, noSuchSecret, noteUse } from '../domain/vault-edits.ts'
import type { TokenKeeper } from './token-keeper.ts'

export interface CredentialPorts {
  readonly vault: Vault
  readonly keeper: Pick<TokenKeeper, 'fresh' | 'rejected'>
  readonly groups: Pick<Groups, 'load'>
  readonly clock: Pick<Clock, 'now'>
  /** Keys of creel.toml's `key_file`s: for groups without `secrets`, where the vault has none for the service. */
  readonly fileKeys: Readonly<Record<ModelApi, string | null>>
  readonly report: {
    /** A group's credential cannot be used; may come at every request. */
    unusable(group: GroupName, what: string, reason: string): void
    /** A service does not know the secret any more; may come at every request. */
    refused(name: string, service: ModelApi): void
    noteFailed(reason: string): void
  }
}

const HOUR_MS = 3_600_000

/**
 * Which secret a group's request goes with. Decided anew for each request, from the vault and the group's own
 * container.json: a change counts at once.
 */
export class Credentials implements ModelCredentials {
  readonly #ports: CredentialPorts
  /** Which secret a credential that was given out came from; forgotten with it. */
  readonly #given = new WeakMap<ModelCredential, { readonly name: string; readonly isRenewed: boolean }>()

  constructor(ports: CredentialPorts) {
    this.#ports = ports
  }

  async forModel(group: GroupName, api: ModelApi): Promise<ModelCredential | null> {
    const { fileKeys, groups, vault } = this.#ports
    try {
      const config = groups.load(group)
      const content = await vault.read()
      const name = modelSecret(content, config, api)
      if (name !== null) return await this.#model(content, name)
      const key = usesByDefault(config, api) ? fileKeys[api] : null
      return key === null ? null : { kind: 'key', key }
    } catch (error) {
      this.#tell(group, api, error)
      throw error
    }
  }

  refused(_group: GroupName, api: ModelApi, credential: ModelCredential): void {
    const given = this.#given.get(credential)
    if (given?.isRenewed) this.#ports.keeper.rejected(given.name, credential.key)
    else if (given) this.#ports.report.refused(given.name, api)
  }

  /**
   * What a tool's request is sent with: the first of the group's `secrets` that covers host, port and path; null when
   * none does. Throws CreelError when the vault or the group's settings cannot be read.
   */
  async forRequest(group: GroupName, request: OutgoingRequest): Promise<Injection | null> {
    const { groups, vault, keeper } = this.#ports
    try {
      const content = await vault.read()
      for (const name of groups.load(group).secrets ?? []) {
        const secret = findSecret(content, name)
        if (secret === null || injectionOf(secret.value, request) === null) continue
        this.#noteUse(secret)
        // A login that is about to end is renewed first.
        const value = secret.value.kind === 'oauth' ? await keeper.fresh(name) : secret.value
        return injectionOf(value, request)
      }
      return null
    } catch (error) {
      this.#tell(group, request.host, error)
      throw error
    }
  }

  #tell(group: GroupName, what: string, error: unknown): void {
    // A login that is over is told of by the vault itself, once for all agents.
    if (!(error instanceof LoginRefusedError)) this.#ports.report.unusable(group, what, errorText(error))
  }

  async #model(content: VaultContent, name: string): Promise<ModelCredential> {
    const secret = findSecret(content, name)
    if (secret === null) throw noSuchSecret(name)
    const credential = await this.#asCredential(secret)
    const isRenewed = secret.value.kind === 'oauth' && secret.value.refresh !== null
    this.#given.set(credential, { name, isRenewed })
    this.#noteUse(secret)
    return credential
  }

  async #asCredential({ name, value }: StoredSecret): Promise<ModelCredential> {
    if (value.kind === 'api-key') return { kind: 'key', key: value.key }
    if (value.kind !== 'oauth')
      throw new CreelError(
        'invalid',
        `${name} is a secret of the kind ${value.kind}, not a model service's`,
        {
          hint: `./creel vault set ${name} asks for the right one`,
        },
      )
    const { access, account } = await this.#ports.keeper.fresh(name)
    return { kind: 'login', key: access, account }
  }

  #noteUse({ name, lastUsedAt }: StoredSecret): void {
    const { vault, clock, report } = this.#ports
    const now = clock.now()
    if (lastUsedAt !== null && now - lastUsedAt < HOUR_MS) return
    vault.change(noteUse(new Map([[name, now]]))).catch((error: unknown) => {
      report.noteFailed(errorText(error))
    })
  }
}

/**
 * The name of the secret for a model service: of the group's `secrets` the first that is a profile of the service;
 * without `secrets` the default profile, for the services that its provider calls.
 */
export function modelSecret(content: VaultContent, config: GroupConfig, api: ModelApi): string | null {
  if (config.secrets !== undefined) return config.secrets.find((name) => serviceOf(name) === api) ?? null
  return usesByDefault(config, api) ? (content.defaults[api] ?? null) : null
}

function usesByDefault({ secrets, provider }: GroupConfig, api: ModelApi): boolean {
  return secrets === undefined && (PROVIDER_SERVICES[provider] ?? []).includes(api)
}
