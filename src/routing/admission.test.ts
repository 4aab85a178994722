import { describe, expect, test } from 'vitest'
import { AdmissionWorld, home, mallory, owner } from '../../test/rig/admission-world.ts'
import { ALICE, GARDEN, OWNER } from '../../test/rig/host-tables.ts'
import type { ChatId } from '../domain/ids.ts'

describe('an unknown chat', () => {
  test('cannot pile up messages without bound, and does not keep another chat from waiting', () => {
    using world = new AdmissionWorld()
    for (let n = 0; n < 120; n += 1) world.says(`flood ${n}`)
    expect(world.fate('flood 99')).toMatchObject({ state: 'held' })
    expect(world.fate('flood 100')).toMatchObject({
      state: 'dropped',
      reason: expect.stringContaining('100'),
    })
    world.says('elsewhere', { address: { channel: 'fake', account: 'main', chat: 'elsewhere' } })
    expect(world.fate('elsewhere')).toMatchObject({ state: 'held' })
  })

  test('is held and asked about once; let in, everything is answered in order', () => {
    using world = new AdmissionWorld()
    const chat = world.says('one')
    world.says('two')
    expect(world.given()).toEqual(['hello'])
    expect(world.told('home')).toEqual([expect.stringContaining(`/allow c${chat}`)])
    expect(world.told('room')).toEqual([expect.stringContaining('message is kept')])
    world.ownerSays(`/allow c${chat}`)
    world.route()
    world.says('three')
    expect(world.given()).toEqual(['hello', 'one', 'two', 'three'])
    expect(world.told('home').at(-1)).toContain('2 waiting messages are being answered')
    expect(world.fate(`/allow c${chat}`)).toMatchObject({ state: 'dropped' })
  })

  test('refused, what waits is dropped, and so is what comes', () => {
    using world = new AdmissionWorld()
    const chat = world.says('one')
    world.ownerSays(`/deny c${chat}`)
    world.says('two')
    expect(world.fate('one')).toEqual({ state: 'dropped', reason: 'the owner refused this chat' })
    expect(world.fate('two')).toEqual({ state: 'dropped', reason: 'the owner refused this chat' })
    expect(world.given()).toEqual(['hello'])
  })

  test('with open doors it is bound to the default agent, unless the owner refused it', () => {
    using world = new AdmissionWorld()
    world.unknownChats = 'open'
    world.says('one')
    expect(world.given()).toEqual(['hello', 'one'])
    const refused = world.room('refused')
    world.directory.setDenied(refused, true)
    world.says('two', { address: { channel: 'fake', account: 'main', chat: 'refused' } })
    expect(world.fate('two')).toMatchObject({ state: 'dropped' })
    world.defaultGroup = null
    world.says('three', { address: { channel: 'fake', account: 'main', chat: 'third' } })
    expect(world.fate('three')).toMatchObject({ state: 'held' })
  })

  test('killed between the question and the note of it, the host asks no second time', () => {
    using world = new AdmissionWorld()
    world.receive('one', { mentionsUs: true })
    world.db.exec(
      "CREATE TRIGGER die BEFORE UPDATE OF state ON inbound BEGIN SELECT raise(ABORT, 'killed'); END",
    )
    expect(() => world.route()).toThrow('killed')
    world.db.exec('DROP TRIGGER die')
    expect(world.told('home')).toHaveLength(1)
    world.route()
    expect(world.fate('one')).toMatchObject({ state: 'held' })
    expect(world.told('home')).toHaveLength(1)
  })
})

describe('an unknown sender', () => {
  const inBound = () => {
    const world = new AdmissionWorld()
    world.bind(world.room(), GARDEN, { engage: 'mention', senders: 'ask' })
    return world
  }

  test('is held; let in, they are a member of that group and their messages are answered in order', () => {
    using world = inBound()
    world.says('one')
    world.says('two')
    const code = /\/allow (s\d+)/.exec(world.told('home')[0] ?? '')?.[1] ?? ''
    world.ownerSays(`/allow ${code}`)
    world.route()
    expect(world.given()).toEqual(['hello', 'one', 'two'])
    expect(world.roles.roles(ALICE, GARDEN)).toEqual(['member'])
    expect(world.told('home')).toHaveLength(2)
  })

  test('refused, they stay out until the owner lets them in after all', () => {
    using world = inBound()
    const row = world.receive('one', { mentionsUs: true })
    world.route()
    world.ownerSays(`/deny s${row.id}`)
    world.says('two')
    expect(world.fate('one')).toEqual({ state: 'dropped', reason: 'the owner refused this sender' })
    expect(world.fate('two')).toEqual({ state: 'dropped', reason: 'the owner refused this sender' })
    world.ownerSays(`/allow s${row.id}`)
    world.says('three')
    expect(world.given()).toEqual(['hello', 'three'])
  })
})

describe("the owner's word", () => {
  test("nobody else's /allow counts, whatever they are called and whatever role they have", () => {
    using world = new AdmissionWorld()
    const chat = world.says('one')
    for (const role of [null, 'member', 'admin'] as const) {
      if (role) world.roles.grant(mallory.id, role, GARDEN, world.clock.now())
      world.says(`/allow c${chat}`, { sender: mallory, address: home, chatKind: 'private' })
    }
    world.roles.grant(mallory.id, 'owner', GARDEN, world.clock.now())
    world.says(`/allow c${chat}`, { sender: mallory, address: home, chatKind: 'private' })
    expect(world.fate('one')).toMatchObject({ state: 'held' })
    expect(world.directory.bindings(chat)).toEqual([])
  })

  test('about nobody who waits is answered, and does nothing', () => {
    using world = new AdmissionWorld()
    world.ownerSays('/allow c999')
    world.ownerSays('/allow s999')
    expect(world.told('home')).toEqual([
      expect.stringContaining('nobody waits under the code c999'),
      expect.stringContaining('nobody waits under the code s999'),
    ])
    world.ownerSays('please /allow c1')
    expect(world.given().at(-1)).toBe('please /allow c1')
  })

  test('without an agent to answer, a chat cannot be let in', () => {
    using world = new AdmissionWorld()
    const chat = world.says('one')
    world.defaultGroup = null
    world.ownerSays(`/allow c${chat}`)
    expect(world.told('home').at(-1)).toContain('there is no agent')
    expect(world.fate('one')).toMatchObject({ state: 'held' })
  })
})

test('a sticky thread stays open once addressed, and only that thread', () => {
  using world = new AdmissionWorld()
  world.bind(world.room(), GARDEN, { engage: 'sticky' })
  const inThread = (thread: string) => ({
    address: { channel: 'fake', account: 'main', chat: 'room', thread },
  })
  world.says('before', { ...inThread('a'), mentionsUs: false })
  world.says('open', inThread('a'))
  world.says('after', { ...inThread('a'), mentionsUs: false })
  world.says('elsewhere', { ...inThread('b'), mentionsUs: false })
  expect(world.given()).toEqual(['hello', 'open', 'after'])
  expect(world.fate('elsewhere')).toMatchObject({ state: 'heard' })
})

test('a pattern engages through the tables', () => {
  using world = new AdmissionWorld()
  world.bind(world.room(), GARDEN, { engage: 'pattern', pattern: 'roses?' })
  world.says('a ROSE', { mentionsUs: false })
  world.says('a tulip')
  expect(world.given()).toEqual(['hello', 'a ROSE'])
})

describe('notices', () => {
  test('with nobody to tell nothing is said, and a chat that is not known is left alone', () => {
    using world = new AdmissionWorld()
    world.roles.revoke(OWNER, 'owner', null)
    world.notices.toOwner('x', 'k')
    world.notices.toChat(99 as ChatId, undefined, 'x', 'k')
    expect(world.outgoing()).toEqual([])
  })
})

describe('/stop', () => {
  const home = { channel: 'fake', account: 'main', chat: 'home' }

  test('is for people who are let in, and never reaches the agent', () => {
    using world = new AdmissionWorld()
    world.bind(world.room('home'), GARDEN, { senders: 'strict' })
    world.ownerSays('/stop')
    expect(world.stopped).toEqual([GARDEN])
    expect(world.given()).toEqual(['hello'])
    expect(world.told('home').at(-1)).toContain('Stopped.')
    world.says('/stop', { sender: mallory, address: home, chatKind: 'group', mentionsUs: false })
    expect(world.stopped).toEqual([GARDEN])
  })

  test.each([
    ['/stop', {}, true],
    ['@bot /STOP', { mentionsUs: true }, true],
    ['@somebody /stop', { mentionsUs: false }, false],
    ['/stop@bot', { mentionsUs: true }, true],
    ['/stop@another', { mentionsUs: false }, false],
    ['/stop it, please', {}, false],
    ['please /stop', {}, false],
  ])('%s', (text, part, stops) => {
    using world = new AdmissionWorld()
    world.says(text, { sender: owner, address: home, chatKind: 'group', mentionsUs: false, ...part })
    expect(world.stopped.length > 0).toBe(stops)
  })
})
