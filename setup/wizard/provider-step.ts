import { z } from 'zod'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { runCommand } from '../../src/cli/session.ts'
import { chatgptLogin } from '../../src/cli/vault-login-command.ts'
import { PROVIDER_SERVICES } from '../../src/config/schema.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { CHATGPT, CLAUDE } from '../../src/domain/login-services.ts'
import {
  CheckFailedError,
  type Connection,
  keepConnection,
  keyValue,
  type ModelService,
  SERVICE_NAMES,
  tryConnection,
} from './connection.ts'
import { errorLines } from './error-lines.ts'
import { isUntouched, knownGroups, soleGroup, useProvider } from './group-step.ts'
import type { Option, Prompter } from './prompter.ts'
import type { SetupWorld, WizardStep } from './world.ts'

type Way = 'claude-key' | 'claude-plan' | 'codex-key' | 'codex-plan' | 'opencode-key' | 'endpoint' | 'demo'

const WAYS: readonly Option<Way | 'skip' | 'back'>[] = [
  { value: 'claude-key', label: 'Claude, with an API key of Anthropic' },
  { value: 'claude-plan', label: 'Claude, with a Claude plan', hint: 'the token of "claude setup-token"' },
  { value: 'codex-key', label: 'Codex, with an API key of OpenAI' },
  { value: 'codex-plan', label: 'Codex, with a ChatGPT plan', hint: 'a code to type on a page' },
  { value: 'opencode-key', label: 'OpenCode, with an API key of Anthropic' },
  { value: 'endpoint', label: 'A proxy or a local model', hint: 'any server that speaks their API' },
  { value: 'demo', label: 'None yet', hint: 'the demo provider: everything but a model' },
  { value: 'skip', label: 'Skip: leave it as it is' },
  { value: 'back', label: 'Back' },
]

export const providerStep: WizardStep = {
  name: 'provider',
  title: 'What thinks for your agents',
  async look(world) {
    if (isUntouched(world)) return { done: false, text: 'nothing yet' }
    const [groups, profiles] = [await knownGroups(world), await modelProfiles(world)]
    const used = [...new Set(groups.flatMap(({ provider }) => provider ?? []))]
    const keys = profiles.length === 0 ? 'no key in the vault' : profiles.join(', ')
    if (used.length === 0) return { done: profiles.length > 0, text: keys }
    return { done: true, text: `${used.join(', ')} (${keys})` }
  },
  async interactive(world, prompter) {
    const way = await prompter.select('What thinks for your agents?', WAYS)
    if (way === 'back') return 'back'
    if (way === 'skip') return 'skipped'
    const connection = await connectionOf(way, world, prompter)
    if (connection === null || !(await tried(world, prompter, connection)))
      return this.interactive(world, prompter)
    await keep(world, connection, undefined)
    return 'done'
  },
  async unattended(world, answers) {
    const { provider } = answers
    if (provider === undefined) return
    const service = serviceOfProvider(provider.name)
    if (service === null && (provider.key !== undefined || provider.base_url !== undefined))
      throw new CreelError('invalid', `the provider ${provider.name} takes no key and no address`)
    const connection: Connection = {
      ...{ provider: provider.name, service },
      ...(provider.model === undefined ? {} : { model: provider.model }),
      ...(provider.base_url === undefined ? {} : { baseUrl: provider.base_url }),
      ...(provider.key === undefined || service === null
        ? {}
        : { secret: keyValue(service, provider.key, systemClock.now()) }),
    }
    if (service !== null && provider.key === undefined && provider.base_url === undefined) {
      const profiles = await modelProfiles(world)
      if (!profiles.some((name) => name.startsWith(`${service}/`)))
        throw new CreelError('invalid', `${provider.name} needs a key of ${SERVICE_NAMES[service]}`, {
          hint: 'give it on standard input with --key-stdin, or in the JSON of --answers as provider.key',
        })
    }
    if (provider.check) await tryConnection(world, connection)
    await keep(world, connection, answers.group?.name)
  },
}

/** The service whose key a provider goes with; null where it calls no model. */
function serviceOfProvider(provider: string): ModelService | null {
  return PROVIDER_SERVICES[provider]?.[0] ?? null
}

/** What a person says about one way; null = they went back. */
async function connectionOf(way: Way, world: SetupWorld, prompter: Prompter): Promise<Connection | null> {
  const { signal } = world.context
  if (way === 'demo') return { provider: 'demo', service: null }
  if (way === 'endpoint') return endpoint(prompter)
  const [provider = '', kind = ''] = way.split('-')
  const service = serviceOfProvider(provider) ?? 'anthropic'
  if (way === 'codex-plan') {
    const secret = await chatgptLogin(CHATGPT.issuer, world.say, signal)
    return { provider, service, secret }
  }
  if (kind === 'plan')
    prompter.note('A Claude plan', [
      'On any machine with a browser and Claude Code, type: claude setup-token',
      'It prints a token that is good for a year. Creel keeps it encrypted.',
    ])
  const isPlan = kind === 'plan'
  const typed = await prompter.secret(
    `${isPlan ? 'The token' : `The API key of ${SERVICE_NAMES[service]}`} (empty: back)`,
    (text) => keyProblem(text, isPlan),
  )
  return typed === '' ? null : { provider, service, secret: keyValue(service, typed, systemClock.now()) }
}

function keyProblem(text: string, isPlan: boolean): string | undefined {
  if (text === '') return undefined
  if (!/^[\x21-\x7e]+$/.test(text)) return 'one line without spaces is expected'
  if (isPlan && !text.startsWith(CLAUDE.tokenPrefix))
    return `a token that begins with ${CLAUDE.tokenPrefix} is expected`
  return undefined
}

async function endpoint(prompter: Prompter): Promise<Connection | null> {
  const provider = await prompter.select('Which program should talk to it?', [
    { value: 'claude', label: 'Claude', hint: 'the server speaks Anthropic’s Messages API' },
    { value: 'codex', label: 'Codex', hint: 'the server speaks OpenAI’s Responses API' },
    { value: 'opencode', label: 'OpenCode', hint: 'the server speaks Anthropic’s Messages API' },
    { value: 'back', label: 'Back' },
  ])
  const service = serviceOfProvider(provider)
  if (provider === 'back' || service === null) return null
  const baseUrl = await prompter.text(
    'Its address, without the version path',
    'http://127.0.0.1:11434',
    (text) =>
      z.url({ protocol: /^https?$/ }).safeParse(text).success
        ? undefined
        : 'an http or https address is expected',
  )
  const typed = await prompter.secret('Its key (empty: it wants none)', (text) => keyProblem(text, false))
  const model = await prompter.text('Its model (empty: the program’s own choice)', '', () => undefined)
  return {
    ...{ provider, service, baseUrl },
    ...(model === '' ? {} : { model }),
    ...(typed === '' ? {} : { secret: keyValue(service, typed, systemClock.now()) }),
  }
}

/** False when they want to begin this step again. */
async function tried(world: SetupWorld, prompter: Prompter, connection: Connection): Promise<boolean> {
  try {
    await tryConnection(world, connection)
    return true
  } catch (error) {
    if (!(error instanceof CheckFailedError)) throw error
    if (!world.parts.steps.hasShown(error)) for (const line of errorLines(error)) world.say(line)
    const next = await prompter.select('Nothing was kept. What now?', [
      { value: 'again', label: 'Choose again' },
      {
        value: 'keep',
        label: 'Keep it all the same',
        hint: 'when the service is down, or this machine offline',
      },
    ])
    return next === 'keep'
  }
}

/** The agent that is named, or the only one there is, is driven by it from now on; else the next step makes one. */
async function keep(world: SetupWorld, connection: Connection, named: string | undefined): Promise<void> {
  await keepConnection(world, connection)
  world.chosen.provider = connection.provider
  if (connection.model !== undefined) world.chosen.model = connection.model
  const group = await soleGroup(world, named)
  if (group !== null) await useProvider(world, group, connection)
}

const Listed = z.object({ secrets: z.array(z.object({ name: z.string(), service: z.string().nullable() })) })

/** Names of the vault's profiles for model services. */
async function modelProfiles(world: SetupWorld): Promise<readonly string[]> {
  const { secrets } = Listed.parse(await runCommand(world.install(), 'vault-list'))
  return secrets.flatMap(({ name, service }) => (service === 'anthropic' || service === 'openai' ? name : []))
}
