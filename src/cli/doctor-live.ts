import { z } from 'zod'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { callService } from '../adapters/service-check/call-service.ts'
import { type Install, readSecretFile } from '../config/load.ts'
import { transcribes } from '../domain/transcription.ts'
import { checkCall } from '../secrets/secret-check.ts'
import { type Finding, ok } from './finding.ts'
import { runCommand } from './session.ts'

const ANSWER_MS = 15_000
/** Certificates and logins bear a minute or two. */
const MOST_SKEW_MS = 120_000

const Secrets = z.object({
  secrets: z.array(z.object({ name: z.string(), service: z.string().nullable(), isDefault: z.boolean() })),
})
const Tested = z.object({ ok: z.boolean(), what: z.string(), ms: z.number() })

/** Real calls: the keys that agents and bots go with, the clock beside those of the services, what transcribes. */
export async function checkLive(install: Install): Promise<Finding[]> {
  const { secrets } = Secrets.parse(await runCommand(install, 'vault-list'))
  const used = new Set(install.config.telegram.map(({ token_secret }) => token_secret))
  const tried = secrets.filter(
    ({ name, service, isDefault }) => used.has(name) || (service !== null && isDefault),
  )
  const findings: Finding[] = []
  // One after the other: without a host each takes the data directory for itself.
  for (const { name } of tried) findings.push(await trySecret(install, name))
  const files = install.config.telegram.filter(({ token_file }) => token_file !== '')
  return [
    ...findings,
    ...(await Promise.all(files.map((bot) => tryTokenFile(install, bot)))),
    await clock(install),
    ...(await tryVoice(install)),
  ]
}

async function trySecret(install: Install, name: string): Promise<Finding> {
  const { ok: works, what, ms } = Tested.parse(await runCommand(install, 'vault-test', { name }))
  if (works) return ok(`live ${name}`, `${what} (${ms} ms)`)
  return { check: `live ${name}`, level: 'problem', text: what, hint: `./creel vault set ${name} changes it` }
}

async function tryTokenFile(install: Install, bot: Install['config']['telegram'][number]): Promise<Finding> {
  const { account, token_file } = bot
  const key = readSecretFile(install, 'telegram.token_file', token_file)
  const name = `telegram/${account}`
  const telegram = [{ ...bot, token_secret: name }]
  const secret = { name, value: { kind: 'api-key' as const, key }, changedAt: 0, lastUsedAt: null }
  const call = checkCall(secret, { ...install.config, telegram })
  if (typeof call === 'string') return ok(`live ${name}`, call)
  const { ok: works, what, ms } = await callService(call)
  if (works) return ok(`live ${name}`, `${what} (${ms} ms)`)
  return {
    check: `live ${name}`,
    level: 'problem',
    text: what,
    hint: `put the bot's token into ${token_file}`,
  }
}

/** A second of a hum, which a service may charge for. */
async function tryVoice(install: Install): Promise<Finding[]> {
  if (!transcribes(install.config.transcription)) return []
  const { ok: works, what, ms } = Tested.parse(await runCommand(install, 'voice-test'))
  if (works) return [ok('live voice', `${what} (${ms} ms)`)]
  const hint =
    'mend [transcription] in creel.toml, or what it names; voice messages are passed on as files until then'
  return [{ check: 'live voice', level: 'problem', text: what, hint }]
}

/** By the date that a service puts on its answer, whatever the answer. */
async function clock({ config }: Install): Promise<Finding> {
  const asked = systemClock.now()
  try {
    const signal = AbortSignal.timeout(ANSWER_MS)
    const response = await fetch(config.models.anthropic.base_url, {
      method: 'HEAD',
      redirect: 'manual',
      signal,
    })
    const now = systemClock.now()
    const theirs = Date.parse(response.headers.get('date') ?? '')
    if (Number.isNaN(theirs)) return ok('live clock', 'the service says no time')
    // Anywhere between question and answer will do.
    const off = theirs < asked ? asked - theirs : Math.max(0, theirs - now)
    if (off <= MOST_SKEW_MS) return ok('live clock', 'agrees with that of the service')
    const text = `${Math.round(off / 1_000)} s off that of the service`
    return { check: 'live clock', level: 'problem', text, hint: 'set it: timedatectl set-ntp true' }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const text = 'the model service could not be reached'
    const hint = 'look whether this machine has a way out: DNS, a proxy, a firewall'
    return { check: 'live clock', level: 'warning', text, hint }
  }
}
