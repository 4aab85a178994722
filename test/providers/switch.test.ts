import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RUNTIMES } from '../../src/config/schema.ts'
import { testAgentImage, whyNoEngine } from '../docker/test-image.ts'
import { HostProcess } from '../rig/host-process.ts'
import { BOT, type Emulator, GROUP, startEmulator } from '../telegram/emulator.ts'
import { ModelServer } from './model-server.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)

const AGENT = 'family'
const MENTION = `@${BOT.username}`
const MENTIONED = { entities: [{ type: 'mention', offset: 0, length: MENTION.length }] }

/** Each with the program and the model that the others do not have. */
const PROVIDERS = [
  {
    provider: 'claude',
    model: 'claude-opus-5-5',
    path: /\/v1\/messages/,
    program: '/opt/runtimes/bin/claude',
  },
  { provider: 'codex', model: 'gpt-5.5', path: /\/v1\/responses/, program: 'codex app-server' },
  { provider: 'opencode', model: 'claude-sonnet-4-5', path: /\/v1\/messages/, program: 'opencode serve' },
] as const

describe('one Telegram group whose provider is changed while the host runs', () => {
  let telegram: Emulator
  let model: ModelServer
  let host: HostProcess

  beforeAll(async () => {
    await testAgentImage(RUNTIMES)
    telegram = await startEmulator()
    model = await ModelServer.start()
    host = await HostProcess.make()
    const secret = (name: string, text: string) => {
      writeFileSync(join(host.folder, name), text, { mode: 0o600 })
      return join(host.folder, name)
    }
    const key = secret('model-key', 'sk-key-of-the-host')
    const service = (api: string) => `[models.${api}]\nbase_url = "${model.url}"\nkey_file = "${key}"\n`
    const bot = `[[telegram]]\ntoken_file = "${secret('token', telegram.token)}"\napi_root = "${telegram.apiRoot}"\n`
    writeFileSync(host.tomlFile, service('anthropic') + service('openai') + bot)
    configure(PROVIDERS[0])
    await host.start()
    await telegram.postGroupMessage('hello')
    await host.event('inbound.routed', ({ state }) => state === 'heard')
    await host.creel('bind', `telegram:${GROUP.id}`, AGENT, '--senders', 'open')
  })
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]()
    await model?.[Symbol.asyncDispose]()
    await telegram?.stop()
  })

  function configure({ provider, model: name }: { provider: string; model: string }): void {
    const folder = join(host.groupsDir, AGENT)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'container.json'), JSON.stringify({ provider, model: name }))
  }

  const texts = async () => (await telegram.sentMessages(GROUP.id)).map(({ text }) => text)

  /** Says it in the group, waits until the answer is there, and returns what the model was asked. */
  async function ask(word: string) {
    await telegram.postGroupMessage(`${MENTION} ${word}`, MENTIONED)
    await host.until(`heard ${word}`, async () =>
      (await texts()).some((text) => text.includes(`heard ${word}`)),
    )
    const [call] = model.calls(word)
    if (!call) throw new Error(`the model was not asked ${word}`)
    return call
  }

  const said: string[] = []

  it.each([...PROVIDERS, PROVIDERS[0]].map((one, n) => [one.provider, n, one] as const))(
    '%s (%i) answers there, knowing what was said before',
    async (_, n, { path, program, ...container }) => {
      const running = await host.containers()
      configure(container)
      // An idle sandbox with other settings is ended within a second or so; the next message makes another.
      await host.until('the change to be seen', async () => {
        const ids = (await host.containers()).map(({ id }) => id)
        return running.every(({ id }) => !ids.includes(id))
      })
      const [first, second] = [`ping-${n}01`, `ping-${n}02`]
      const call = await ask(first)
      expect(call.path).toMatch(path)
      expect(JSON.parse(call.text)).toMatchObject({ model: container.model })
      for (const word of said) {
        expect(call.text).toContain(`${MENTION} ${word}`)
        expect(call.text).toContain(`> heard ${word}`)
      }
      // What was said in the group without waking the agent is part of it, too.
      expect(call.text).toContain('hello')
      const next = await ask(second)
      for (const word of [...said, first]) expect(next.text).toContain(`heard ${word}`)
      said.push(first, second)
      const [sandbox, ...others] = await host.containers()
      expect(others).toEqual([])
      expect(await host.processes(sandbox?.id ?? '')).toContain(program)
    },
  )

  it('had each answer once and no word about it in the chat', async () => {
    const all = await texts()
    for (const word of said) expect(all.filter((text) => text.includes(`heard ${word}`))).toHaveLength(1)
    expect(all).toHaveLength(said.length)
  })

  it('is written down in its folder, as one conversation', () => {
    const folder = join(host.groupsDir, AGENT, 'memory', 'conversations')
    const [chat = '', ...more] = readdirSync(folder)
    expect(more).toEqual([])
    const files = readdirSync(join(folder, chat)).sort()
    const text = files.map((name) => readFileSync(join(folder, chat, name), 'utf8')).join('\n')
    expect(text).toMatch(/^# telegram group chat "Family"/)
    expect([...text.matchAll(/^> heard (\S+)$/gm)].map(([, word]) => word)).toEqual(said)
  })
})
