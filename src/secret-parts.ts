// Composition root, the part about credentials: what hands them out, renews them and tells the owner of trouble.
import { systemRandom } from './adapters/clock/random.ts'
import { HttpTokenServer } from './adapters/oauth/http-token-server.ts'
import { callService } from './adapters/service-check/call-service.ts'
import { readSecretFile } from './config/load.ts'
import type { Core } from './core.ts'
import type { Notices } from './delivery/notices.ts'
import { CreelError } from './domain/errors.ts'
import type { ModelApi } from './domain/ports/gateway.ts'
import { findSecret, noSuchSecret } from './domain/vault-edits.ts'
import type { Log } from './log.ts'
import { Pump } from './pump.ts'
import { Credentials } from './secrets/credentials.ts'
import { type CheckResult, checkCall } from './secrets/secret-check.ts'
import { SecretWarnings } from './secrets/secret-warnings.ts'
import { TokenKeeper, type TokenKeeperPorts } from './secrets/token-keeper.ts'

export interface SecretParts {
  readonly credentials: Credentials
  readonly keeper: TokenKeeper
  readonly warnings: SecretWarnings
}

/** Makes them; opens nothing yet. Throws ConfigError for a `key_file` that cannot be used. */
export function secretParts(core: Core, log: Log): SecretParts {
  const { vault, groups, clock, install } = core
  const { anthropic, openai } = install.config.models
  // Read once: a changed file counts from the next start, a changed secret in the vault at once.
  const key = (api: ModelApi, file: string) => {
    if (file === '') return null
    const secret = readSecretFile(install, `models.${api}.key_file`, file)
    core.mask.learn([secret])
    return secret
  }
  const warnings = new SecretWarnings(vault, clock)
  const keeper = tokenKeeper(core, {
    renewed: (secret) => log.info({ event: 'secret.renewed', secret }, 'login renewed'),
    refused: (secret, reason) => log.error({ event: 'secret.refused', secret, reason }, 'login is over'),
    failed: (secret, reason) => log.warn({ event: 'secret.failed', secret, reason }, 'login not renewed'),
  })
  const credentials = new Credentials({
    ...{ vault, keeper, groups, clock },
    fileKeys: { anthropic: key('anthropic', anthropic.key_file), openai: key('openai', openai.key_file) },
    report: {
      unusable: (group, what, reason) => warnings.unusable(group, what, reason),
      refused: (name, service) => warnings.refused(name, service),
      noteFailed: (reason) => log.warn({ event: 'secret.note_failed', reason }, 'use of a secret not noted'),
    },
  })
  return { credentials, keeper, warnings }
}

/** What renews logins; in a command without a host, nobody is told of it. */
export function tokenKeeper(core: Core, report: TokenKeeperPorts['report']): TokenKeeper {
  const { vault, clock } = core
  return new TokenKeeper({ vault, clock, random: systemRandom, server: new HttpTokenServer(clock), report })
}

/** Tries secrets with one cheap real call. */
export function secretTester(core: Core, keeper: TokenKeeper): (name: string) => Promise<CheckResult> {
  return async (name) => {
    const secret = findSecret(await core.vault.read(), name)
    if (secret === null) throw noSuchSecret(name)
    const value = secret.value.kind === 'oauth' ? await keeper.fresh(name) : secret.value
    const call = checkCall({ ...secret, value }, core.install.config)
    return typeof call === 'string' ? { ok: true, what: call, ms: 0 } : callService(call)
  }
}

/** The value of a secret that a part of the host needs itself, such as a bot's token. Throws CreelError. */
export async function hostSecret(core: Core, name: string): Promise<string> {
  const secret = findSecret(await core.vault.read(), name)
  if (secret === null) throw noSuchSecret(name)
  if (secret.value.kind === 'api-key') return secret.value.key
  throw new CreelError('invalid', `${name} is a secret of the kind ${secret.value.kind}, not a token`, {
    hint: `./creel vault set ${name} asks for the right one`,
  })
}

const LOOK_MS = 5_000

/** Tells the owner in a chat what there is to tell of secrets, each news once. To be started and stopped. */
export function secretWatch(core: Core, log: Log, warnings: SecretWarnings, notices: Notices): Pump<string> {
  const told = new Set<string>()
  return new Pump<string>({
    ...{ name: 'secrets', log, clock: core.clock, random: systemRandom, maxConcurrent: 1 },
    pollMs: LOOK_MS,
    backoff: { baseMs: 1_000, maxMs: 60_000 },
    keys: () => ['secrets'],
    step: async () => {
      for (const { key, text } of await warnings.current()) {
        if (told.has(key)) continue
        notices.toOwner(text, key)
        log.warn({ event: 'secret.warning', key }, 'the owner was told of a secret')
        told.add(key)
      }
      return 'idle' as const
    },
  })
}
