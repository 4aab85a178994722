import { statSync } from 'node:fs'
import { dirname, isAbsolute, relative } from 'node:path'
import { z } from 'zod'
import { systemClock } from '../adapters/clock/system-clock.ts'
import type { Install } from '../config/load.ts'
import type { SecretLine } from '../operator/vault-commands.ts'
import { vaultWarnings } from '../secrets/secret-warnings.ts'
import { type Finding, ok } from './finding.ts'
import { runCommand } from './session.ts'

const Listed = z.object({
  exists: z.boolean(),
  file: z.string(),
  key: z.string(),
  secrets: z.array(z.custom<SecretLine>((line) => typeof line === 'object')),
  missing: z.array(z.object({ group: z.string(), name: z.string() })),
  keyless: z.array(
    z.object({ group: z.string(), service: z.enum(['anthropic', 'openai']), named: z.boolean() }),
  ),
})
type Listed = z.infer<typeof Listed>

/** The vault and its key, logins at their end, agents that have no credential. Throws when it cannot be opened. */
export async function checkVault(install: Install): Promise<Finding[]> {
  const listed = Listed.parse(await runCommand(install, 'vault-list'))
  return [...(listed.exists ? vaultFindings(install, listed) : []), ...agentFindings(install, listed)]
}

function vaultFindings(install: Install, { file, key, secrets }: Listed): Finding[] {
  const count = secrets.length === 1 ? '1 secret' : `${secrets.length} secrets`
  const findings: Finding[] = [ok('vault', `${count}, opened with the master key of ${key}`)]
  for (const path of [dirname(file), file]) {
    const open = statSync(path).mode & 0o077
    if (open !== 0)
      findings.push({
        ...{ check: 'vault', level: 'problem', text: `${path} can be read by others` },
        hint: `chmod go= ${path}`,
      })
  }
  if (isAbsolute(key) && !relative(install.paths.dataDir, key).startsWith('..'))
    findings.push({
      check: 'vault',
      level: 'warning',
      text: 'the master key lies in the data directory: a copy of that alone opens the vault',
      hint: 'stop Creel, move the key elsewhere, and set CREEL_MASTER_KEY_FILE to it',
    })
  for (const { text } of vaultWarnings(secrets, systemClock.now())) {
    const isOver = /cannot be used|ended/.test(text)
    findings.push({ check: 'vault', level: isOver ? 'problem' : 'warning', text: text.replaceAll('**', '') })
  }
  return findings
}

function agentFindings(install: Install, { missing, keyless, secrets }: Listed): Finding[] {
  const findings = missing.map(({ group, name }): Finding => {
    const text = `container.json names the secret ${name}, which is not in the vault`
    return { check: `agent ${group}`, level: 'problem', text, hint: `./creel vault set ${name}` }
  })
  for (const { group, service, named } of keyless) {
    if (!named && install.config.models[service].key_file !== '') continue
    if (install.config.models[service].base_url !== DEFAULT_URLS[service]) continue
    findings.push({
      check: `agent ${group}`,
      level: 'warning',
      text: named
        ? `its "secrets" name no profile of ${service}, so its model gets no key`
        : `there is no key for ${service}, which its provider calls`,
      hint: named ? `add one, such as "${service}/main"` : `./creel vault set ${service}/main`,
    })
  }
  for (const service of ['anthropic', 'openai'] as const) {
    const instead = secrets.find((secret) => secret.service === service && secret.isDefault)
    if (instead !== undefined && install.config.models[service].key_file !== '')
      findings.push({
        check: 'vault',
        level: 'warning',
        text: `models.${service}.key_file of creel.toml is not used: ${instead.name} comes before it`,
        hint: 'remove one of the two',
      })
  }
  return findings
}

/** A proxy or a local model may need no key. */
const DEFAULT_URLS = { anthropic: 'https://api.anthropic.com', openai: 'https://api.openai.com' } as const
