import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { userId } from '../../src/domain/ids.ts'
import {
  TOOL_WALK,
  type ToolWalker,
  testToolWalk,
  WALK_FILE,
  WALK_HELPER,
  walkSkill,
} from '../contract/tool-walk.ts'
import { ToolRig } from '../providers/tool-rig.ts'
import { HostWorld } from '../rig/host-world.ts'

const OWNER = { id: userId('fake', 'olga'), name: 'Olga', isBot: false }

let world: HostWorld
beforeAll(async () => {
  world = new HostWorld({
    groups: {
      main: { provider: 'demo', agents: { [WALK_HELPER]: { about: 'helps' } } },
      [WALK_HELPER]: { provider: 'demo', agents: { main: { hear: 'anyone' } } },
    },
  })
  const workspace = join(world.folder, 'groups', 'main', 'workspace')
  mkdirSync(workspace, { recursive: true })
  writeFileSync(join(workspace, WALK_FILE), 'on foot')
  const { folder, text } = walkSkill('memory')
  mkdirSync(join(workspace, folder))
  writeFileSync(join(workspace, folder, 'SKILL.md'), text)
  for (const chat of ['home', 'room']) world.bind(chat, 'main')
  world.packages.atOnce = true
  world.core.roles.grant(OWNER.id, 'owner', null, world.core.clock.now())
  await world.host.start()
})
afterAll(() => world[Symbol.asyncDispose]())

const parts = () => world.channel.shown(world.channel.address('home'))
const say = (text: string) => world.say('home', text, { sender: OWNER, chatKind: 'private' })

class DemoWalker implements ToolWalker {
  readonly name = 'memory'
  #ends = 0

  async call(tool: string, args: object): Promise<string> {
    const before = parts().length
    this.#ends += 1
    const end = `end-${this.#ends}`
    say(`/demo tool ${tool} ${JSON.stringify(args)}\n${end}`)
    await this.sees(`"${end}"`)
    return parts().slice(before).join('')
  }

  async sees(part: string): Promise<void> {
    const all = () => [...parts(), ...world.channel.reacted.values()].join('\n')
    await world.until(() => expect(all()).toContain(part))
  }

  async press(label: string): Promise<void> {
    const press = () =>
      world.channel.press(label, {
        ...{ sender: OWNER, address: world.channel.address('home'), chatKind: 'private' },
      })
    await world.until(press)
  }

  /** It echoes what it is told. */
  isTold(part: string): Promise<void> {
    return this.sees(part)
  }
}

const walker = new DemoWalker()
describe('tools: demo', () => testToolWalk(() => walker))

test('each tool that agents have is in the walk', async () => {
  await using tools = await ToolRig.start()
  const url = tools.server.serversOf('one').creel?.url ?? ''
  const listed = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  })
  const { result } = (await listed.json()) as { result: { tools: { name: string }[] } }
  const missing = result.tools
    .map(({ name }) => name)
    .filter((name) => !TOOL_WALK.some((use) => use.tool === name))
  expect(missing, 'each needs a line in test/contract/tool-walk.ts').toEqual([])
  expect(result.tools.length).toBeGreaterThan(20)
})
