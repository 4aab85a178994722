import { callService } from '../../src/adapters/service-check/call-service.ts'
import { setupToken } from '../../src/cli/secret-value.ts'
import { runCommand } from '../../src/cli/session.ts'
import type { Install } from '../../src/config/load.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { CLAUDE } from '../../src/domain/login-services.ts'
import type { SecretValue } from '../../src/domain/secret.ts'
import { checkCall } from '../../src/secrets/secret-check.ts'
import { changeSettings } from './settings-file.ts'
import type { SetupWorld } from './world.ts'

export type ModelService = 'anthropic' | 'openai'

/** How an agent's runtime reaches its model. */
export interface Connection {
  readonly provider: string
  /** Null: no model is called. */
  readonly service: ModelService | null
  /** Kept as SERVICE/main; left out = what the vault has, or a server that wants none. */
  readonly secret?: SecretValue
  readonly baseUrl?: string
  readonly model?: string
}

/** The service that refused a key, or did not answer. */
export class CheckFailedError extends CreelError {
  override name = 'CheckFailedError'
}

/** What was typed as a key may be the token of a Claude plan. */
export function keyValue(service: ModelService, typed: string, now: number): SecretValue {
  const isToken = service === 'anthropic' && typed.startsWith(CLAUDE.tokenPrefix)
  return isToken ? setupToken(typed, now) : { kind: 'api-key', key: typed }
}

/** Tries a key with one cheap real call, before it is kept. Throws CheckFailedError, without the key. */
export async function tryConnection(world: SetupWorld, connection: Connection): Promise<void> {
  const { service, secret, baseUrl } = connection
  if (service === null || secret === undefined) return
  const name = `${service}/main`
  const call = checkCall(
    { name, value: secret, changedAt: 0, lastUsedAt: null },
    configWith(world.install(), connection),
  )
  if (typeof call === 'string') return
  await world.parts.steps.run(`trying the key with ${baseUrl ?? SERVICE_NAMES[service]}`, async () => {
    const answer = await callService(call)
    if (answer.ok) return
    throw new CheckFailedError('unauthorized', `the key does not work: ${answer.what}`, {
      hint: 'look whether it was copied whole and belongs to this service, and whether this machine reaches it',
    })
  })
}

/** Keeps the secret in the vault and the address in creel.toml. Each is whole or not there. */
export async function keepConnection(world: SetupWorld, connection: Connection): Promise<void> {
  const { service, secret, baseUrl } = connection
  const install = world.install()
  if (service === null) return
  if (baseUrl !== undefined && baseUrl !== install.config.models[service].base_url)
    changeSettings(install.configFile, [{ table: `models.${service}`, key: 'base_url', value: baseUrl }])
  if (secret === undefined) return
  await runCommand(world.install(), 'vault-set', { name: `${service}/main`, value: secret, default: true })
  world.say(`the key is in the vault as ${service}/main; agents never see it`)
}

export const SERVICE_NAMES: Readonly<Record<ModelService, string>> = {
  anthropic: 'Anthropic',
  openai: 'OpenAI',
}

function configWith({ config }: Install, { service, baseUrl }: Connection): Install['config'] {
  if (service === null || baseUrl === undefined) return config
  const models = { ...config.models, [service]: { ...config.models[service], base_url: baseUrl } }
  return { ...config, models }
}
