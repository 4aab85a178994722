import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { GroupRegistry } from '../../src/adapters/groups/group-registry.ts'
import { type GroupName, userId } from '../../src/domain/ids.ts'
import { Paths } from '../../src/paths.ts'
import { HostWorld } from '../rig/host-world.ts'

const EXAMPLES = join(import.meta.dirname, '../../groups/examples')
const OWNER = { id: userId('fake', 'olga'), name: 'Olga', isBot: false }
const NAMES = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name as GroupName)

let world: HostWorld | undefined
afterEach(() => world?.[Symbol.asyncDispose]())

test('the example groups are settings that load, each with instructions', () => {
  const groups = new GroupRegistry(new Paths('/nowhere', EXAMPLES))
  expect(groups.names()).toEqual(['researcher', 'supervisor', 'writer'])
  for (const name of NAMES) {
    expect(groups.load(name).provider).toBe('claude')
    expect(groups.instructions(name).text).toContain('# Who you are')
  }
})

test('the example groups work on the demo provider: the supervisor asks both and has their answers', async () => {
  world = new HostWorld({ groups: {} })
  for (const name of NAMES) {
    const folder = join(world.folder, 'groups', name)
    cpSync(join(EXAMPLES, name), folder, { recursive: true })
    const file = join(folder, 'container.json')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), provider: 'demo' }))
  }
  const { core, channel } = world
  world.bind('home', 'supervisor')
  core.roles.grant(OWNER.id, 'owner', null, core.clock.now())
  await world.host.start()
  const ask = (to: string, message: string) => `send_to_agent ${JSON.stringify({ to, message })}`
  const both = `/demo tool ${ask('researcher', 'find')}\n${ask('writer', 'write')}`
  world.say('home', both, { sender: OWNER, chatKind: 'private' })
  const said = () => channel.shown(channel.address('home')).join('\n')
  await world.until(() => expect(said()).toContain('> demo: find'))
  expect(said()).toContain('> demo: write')
  // The specialists hear the supervisor alone, and for people who are known to them.
  world.say('home', both)
  await world.until(() => expect(said()).toContain('does not work for everybody'))
})
