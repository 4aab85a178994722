import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { RUNTIMES } from '../../src/config/schema.ts'
import { type ToolWalker, testToolWalk, WALK_FILE, WALK_HELPER, walkSkill } from '../contract/tool-walk.ts'
import { testAgentImage } from '../docker/test-image.ts'
import { ModelServer } from '../providers/model-server.ts'
import type { HostProcess } from '../rig/host-process.ts'
import { GROUP } from '../telegram/emulator.ts'
import { type Side, TwoChannels, whyNoChannels } from './two-channels.ts'

const AGENT = 'walker'
const missing = await whyNoChannels()
if (missing) console.error(`skipped: ${missing}`)

let model: ModelServer
let both: TwoChannels
beforeAll(async () => {
  if (missing) return
  await testAgentImage()
  await testAgentImage(RUNTIMES)
  model = await ModelServer.start()
  const base = `base_url = "${model.url}"\nkey_file = "`
  both = await TwoChannels.start({ group: AGENT }, (host) => writeAgents(host, base))
  // Another chat of the agent, that it may write into.
  await both.emulator.postGroupMessage('hello')
  await both.host.until('the group', async () => (await both.host.call<unknown[]>('chat-list')).length > 1)
  await both.host.call('bind', {
    chat: `telegram:${GROUP.id}`,
    group: AGENT,
    engage: 'mention',
    senders: 'open',
  })
})
afterAll(async () => {
  await both?.[Symbol.asyncDispose]()
  await model?.[Symbol.asyncDispose]()
})

function writeAgents(host: HostProcess, base: string): void {
  const key = join(host.folder, 'model-key')
  writeFileSync(key, 'sk-of-a-test-0123456789', { mode: 0o600 })
  appendFileSync(host.tomlFile, `[models.anthropic]\n${base}${key}"\n`)
  const agents = {
    [AGENT]: { provider: 'claude', model: 'claude-opus-5-5', agents: { [WALK_HELPER]: { about: 'helps' } } },
    [WALK_HELPER]: { provider: 'demo', agents: { [AGENT]: { hear: 'anyone' } } },
  }
  for (const [name, settings] of Object.entries(agents)) {
    mkdirSync(join(host.groupsDir, name, 'workspace'), { recursive: true })
    writeFileSync(join(host.groupsDir, name, 'container.json'), JSON.stringify(settings))
  }
  const workspace = join(host.groupsDir, AGENT, 'workspace')
  writeFileSync(join(workspace, WALK_FILE), 'on foot')
  for (const { folder, text } of ['telegram', 'web'].map(walkSkill)) {
    mkdirSync(join(workspace, folder))
    writeFileSync(join(workspace, folder, 'SKILL.md'), text)
  }
}

/** The real program, whose model calls the tool when the person says a word. */
class RuntimeWalker implements ToolWalker {
  readonly name: string
  readonly #side: Side
  #words = 100

  constructor(side: Side) {
    this.#side = side
    this.name = side.name
  }

  async call(tool: string, args: object): Promise<string> {
    this.#words += 1
    const word = `${this.name}-${this.#words}`
    model.on(word, { tool: { name: `mcp__creel__${tool}`, arguments: args } })
    model.on(word, { text: `heard ${word}` }, 'tool-result')
    await this.#side.say(word)
    await this.sees(`heard ${word}`)
    // In later calls it stands further up.
    const results = model.calls(word).map((call) => lastMessage(call.text))
    return results.find((texts) => texts.includes('tool_result'))?.join('\n') ?? 'no result'
  }

  sees(part: string): Promise<void> {
    return this.#side.sees(part)
  }

  press(label: string): Promise<void> {
    return this.#side.press(label)
  }

  isTold(part: string): Promise<void> {
    const text = JSON.stringify(part).slice(1, -1)
    return both.host.until(`the word “${part}” to the agent`, () => model.calls(text).length > 0)
  }
}

/** The texts of the last message of a request to a model. */
function lastMessage(body: string): string[] {
  const texts: string[] = []
  const { messages = [] } = JSON.parse(body) as { messages?: unknown[] }
  JSON.stringify(messages.at(-1), (_, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  return texts
}

describe.skipIf(missing).each(['telegram', 'web'] as const)('tools: %s', (name) => {
  let walker: RuntimeWalker | undefined
  testToolWalk(() => {
    walker ??= new RuntimeWalker(both[name])
    return walker
  })
})
