import { describe, expect, test } from 'vitest'
import { GARDEN } from '../../test/rig/host-tables.ts'
import { RoutingWorld } from '../../test/rig/routing-world.ts'
import type { UserId } from '../domain/ids.ts'
import type { InboundMessage } from '../domain/message.ts'

const bob = { sender: { id: 'fake:bob' as UserId, name: 'Bob', isBot: false } }
const address = { channel: 'fake', account: 'main', chat: 'room' }
const photo: Partial<InboundMessage> = {
  files: [{ kind: 'image', name: 'p.jpg', mime: 'image/jpeg', bytes: 3, from: { source: 'x' } }],
}

function typing(settings: Parameters<RoutingWorld['bind']>[2] = {}): RoutingWorld {
  const world = new RoutingWorld()
  world.bind(world.room(), GARDEN, { debounceMs: 1_000, ...settings })
  return world
}

/** Texts of each turn to come: what shares a bundle stands together. */
async function turns(world: RoutingWorld): Promise<string[]> {
  await world.dispatch()
  const byTurn = Map.groupBy(world.mail(), ({ bundle, text }) => bundle ?? text)
  return [...byTurn.values()].map((messages) => messages.map(({ text }) => text.split('\n')[0]).join(' + '))
}

describe('debounce', () => {
  test('what one person types in one breath is one turn, no sooner than the pause', async () => {
    using world = typing()
    world.comes('hi')
    expect(world.route()).toEqual([{ waitMs: 1_000 }])
    await world.clock.advance(700)
    world.comes('are you there')
    expect(world.route()).toEqual([{ waitMs: 1_000 }])
    await world.clock.advance(1_000)
    world.route()
    expect(await turns(world)).toEqual(['hi + are you there'])
  })

  test('is off unless it was asked for', async () => {
    using world = typing({ debounceMs: 0 })
    world.comes('hi')
    world.comes('there')
    world.route()
    expect(await turns(world)).toEqual(['hi', 'there'])
  })

  test('does not wait for ever for one who goes on and on', async () => {
    using world = typing()
    for (let n = 1; n <= 7; n += 1) {
      world.comes(`${n}`)
      world.route()
      await world.clock.advance(900)
    }
    world.route()
    expect((await turns(world))[0]).toBe('1 + 2 + 3 + 4 + 5 + 6')
  })

  test.each([
    ['another person', bob, ['a', 'b']],
    ['another thread', { address: { ...address, thread: 't' } }, ['a', 'b']],
    ['a file', photo, ['a + b']],
  ])('%s ends the wait', async (_, part, expected) => {
    using world = typing()
    world.comes('a')
    world.comes('b', part)
    if (world.route()[0] !== 'idle') world.bind(world.room(), GARDEN)
    world.route()
    world.db.exec("UPDATE attachment SET state = 'failed', reason = 'gone'")
    expect(await turns(world)).toEqual(expected)
  })

  test('a file does not wait, a command does neither and is no part of it', async () => {
    using world = typing()
    world.comes('look', photo)
    expect(world.route()).toEqual(['idle'])
    world.comes('text')
    world.comes('/new')
    expect(world.route()).toEqual(['idle'])
    expect(world.count({ outcome: null, aside: null, bundle: null })).toBe(3)
  })

  test('what follows a mention in one breath is meant as well, unless it answers somebody', async () => {
    using world = typing({ engage: 'mention' })
    world.comes('@bot', { mentionsUs: true })
    world.comes('what is on today?')
    world.comes('yes', { quote: { name: 'Bob', text: 'coming?' } })
    world.route()
    await world.clock.advance(1_000)
    world.route()
    expect(await turns(world)).toEqual(['@bot + what is on today?'])
    expect(world.fates().at(-1)).toMatchObject({ text: 'yes', state: 'heard' })
  })

  test('a host that was killed in the pause finds it again, and an edit in the pause replaces the text', async () => {
    using world = typing()
    world.comes('helo', { platformMessageId: 'p1' })
    world.route()
    world.restart()
    await world.clock.advance(500)
    world.inbound.record(world.message('hello', { platformMessageId: 'p1', edit: 'e' }), world.clock.now())
    expect(world.route()).toEqual([{ waitMs: 500 }])
    await world.clock.advance(500)
    world.route()
    expect(await turns(world)).toEqual(['hello'])
  })

  test('a clock that is set back makes nobody wait', async () => {
    using world = typing()
    await world.clock.advance(60_000)
    world.comes('hi')
    world.db.exec('UPDATE inbound SET received_at = received_at + 3600000')
    expect(world.route()).toEqual(['idle'])
  })
})
