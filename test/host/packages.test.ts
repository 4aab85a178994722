import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readChoicePart } from '../../src/domain/choice-part.ts'
import { type GroupName, userId } from '../../src/domain/ids.ts'
import { HostWorld } from '../rig/host-world.ts'

const MAIN = 'main' as GroupName
const OWNER = { id: userId('fake', 'olga'), name: 'Olga', isBot: false }
const ASK = '/demo tool install_packages {"apt":["bc"],"npm":["left-pad@1.3.0"],"reason":"to count"}'

let world: HostWorld

beforeEach(async () => {
  world = new HostWorld({ groups: { main: { provider: 'demo' } } })
  world.bind('room', 'main')
  world.bind('home', 'main')
  world.core.roles.grant(OWNER.id, 'owner', null, world.core.clock.now())
  await world.host.start()
  world.say('home', 'hello', { sender: OWNER, chatKind: 'private' })
  await world.until(() => expect(world.shown('home')).toHaveLength(1))
})
afterEach(() => world[Symbol.asyncDispose]())

const parts = (chat: string) => world.channel.shown(world.channel.address(chat))
const card = () =>
  parts('home')
    .flatMap((part) => readChoicePart(part) ?? [])
    .at(-1)
const told = () => parts('room').filter((part) => part.includes('About your'))
const packagesNow = () => world.core.groups.load(MAIN).packages

async function askAndAllow(): Promise<void> {
  world.say('room', ASK)
  await world.until(() => expect(card()?.text).toContain('to count'))
  world.channel.press('Install', {
    sender: OWNER,
    address: world.channel.address('home'),
    chatKind: 'private',
  })
}

describe('packages that an agent asks for', () => {
  test('are there when it is told so, in the same conversation; an owner hears that it takes a while', async () => {
    world.say('room', 'remember the number 4711')
    await world.until(() => expect(world.shown('room')).toHaveLength(1))
    await askAndAllow()
    await world.until(() => expect(world.packages.isBuilding).toBe(true))
    await world.until(() => expect(parts('home').join()).toContain('are being installed'))
    world.say('room', 'meanwhile')
    await world.until(() => expect(world.shown('room').join()).toContain('meanwhile'))
    expect(told()).toEqual([])
    expect(packagesNow()).toEqual({ apt: [], npm: [], pip: [] })
    world.packages.finish()
    await world.until(() => expect(told()).toHaveLength(1))
    expect(told()[0]).toContain('They are installed: `apt:bc`, `npm:left-pad@1.3.0`')
    expect(packagesNow()).toEqual({ apt: ['bc'], npm: ['left-pad@1.3.0'], pip: [] })
    await world.until(() => expect(parts('home').join()).toContain('Allowed by `Olga`'))
    const image = world.packages.tagOf('creel-agent:test', packagesNow())
    expect(world.startedFrom).toEqual(['creel-agent:test', image])
    expect(world.packages.builds).toHaveLength(1)
  })

  test('that cannot be installed leave everything as it was; agent and owner hear why', async () => {
    await askAndAllow()
    await world.until(() => expect(world.packages.isBuilding).toBe(true))
    world.packages.fail('E: Unable to locate package bc')
    await world.until(() => expect(told()).toHaveLength(1))
    expect(told()[0]).toContain('`E: Unable to locate package bc`')
    await world.until(() =>
      expect(parts('home').join()).toContain('Not carried out: they could not be installed'),
    )
    expect(packagesNow()).toEqual({ apt: [], npm: [], pip: [] })
    expect(world.startedFrom).toEqual(['creel-agent:test'])
  })

  test('survive a host that ends in the middle of the build: the next one builds, and tells it once', async () => {
    await askAndAllow()
    await world.until(() => expect(world.packages.isBuilding).toBe(true))
    await world.restart({ stopSandboxes: false })
    await world.until(() => expect(world.packages.builds).toHaveLength(2))
    world.packages.finish()
    await world.until(() => expect(told()).toHaveLength(1))
    await world.restart({ stopSandboxes: true })
    world.say('room', 'and now')
    await world.until(() => expect(world.shown('room').join()).toContain('and now'))
    expect(told()).toHaveLength(1)
    expect(world.packages.builds).toHaveLength(2)
    expect(new Set(world.startedFrom.slice(1))).toEqual(
      new Set([world.packages.tagOf('creel-agent:test', packagesNow())]),
    )
  })

  test('wait for the turns that run without them, and are not told of before', async () => {
    world.packages.atOnce = true
    world.bind('other', 'main')
    world.say('other', '/demo slow 3000')
    await world.until(() => expect(world.host.supervisor.status(MAIN).state).toBe('awake'))
    await askAndAllow()
    await world.until(() => expect(told()).toHaveLength(1))
    expect(world.shown('other').join()).toContain('slow answer')
    expect(world.startedFrom).toHaveLength(2)
  })
})
