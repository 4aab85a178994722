import { writeFileSync } from 'node:fs'
import { type InboxMessage, OutboxWriter } from '@creel/protocol'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { type ChatId, type GroupName, userId } from '../../src/domain/ids.ts'
import type { Doorbell } from '../../src/domain/ports/mailbox.ts'
import { HostWorld } from '../rig/host-world.ts'

const TWO = { garden: {}, kitchen: {} }
const GARDEN = 'garden' as GroupName
const KITCHEN = 'kitchen' as GroupName

const silentBell = (): Doorbell => ({
  open: async () => undefined,
  ring: () => undefined,
  connected: () => false,
  close: async () => undefined,
})

function chatOf(world: HostWorld, chat: string): ChatId {
  return world.core.directory.chatFor(world.channel.address(chat), 'group', chat, world.core.clock.now()).id
}

async function twoRooms(groups: Record<string, unknown> = TWO): Promise<HostWorld> {
  const world = new HostWorld({ groups })
  world.bind('g', 'garden')
  world.bind('k', 'kitchen')
  await world.host.start()
  return world
}

describe('the full path', () => {
  test('a message becomes an answer in its chat, once, however often it is handed over', async () => {
    await using world = await twoRooms()
    world.say('g', 'hello')
    const again = world.channel.say('once', { address: world.channel.address('g') })
    world.channel.redeliver(again)
    await world.until(() => expect(world.shown('g')).toEqual(['demo: hello', 'demo: once']))
    await world.until(() => expect(world.channel.acknowledged).toHaveLength(3))
    world.say('g', 'last')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: hello', 'demo: once', 'demo: last']))
    expect(world.shown('k')).toEqual([])
  })

  test('keeps the order of every conversation: 5 sessions, 20 messages each', {
    timeout: 90_000,
  }, async () => {
    await using world = new HostWorld({ groups: { garden: { concurrency: 5 } } })
    const chats = ['a', 'b', 'c', 'd', 'e']
    for (const chat of chats) world.bind(chat, 'garden')
    await world.host.start()
    for (let n = 1; n <= 20; n += 1) for (const chat of chats) world.say(chat, `${chat}${n}`)
    for (const chat of chats) {
      const expected = Array.from({ length: 20 }, (_, n) => `demo: ${chat}${n + 1}`)
      await world.until(() => expect(world.shown(chat)).toEqual(expected), 80_000)
    }
    expect(world.engine.calls.filter((call) => call.startsWith('start'))).toEqual(['start garden'])
  })

  test('polling alone is enough: no bell rings', { timeout: 60_000 }, async () => {
    await using world = new HostWorld({ groups: { garden: {} }, doorbell: silentBell })
    world.bind('g', 'garden')
    await world.host.start()
    world.say('g', 'one')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: one']))
    world.say('g', 'two')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: one', 'demo: two']))
  })

  test('/stop ends the running turn and drops what waits, in its chat only', async () => {
    await using world = await twoRooms({ garden: { concurrency: 2 }, kitchen: {} })
    world.bind('other', 'garden')
    world.say('g', '/demo hang')
    world.say('g', 'waiting')
    world.say('other', '/demo slow 1500')
    const activity = () => world.core.dispatches.activity(GARDEN, chatOf(world, 'g'))
    await world.until(() => expect(activity()).toEqual({ runningSince: expect.any(Number), waiting: 1 }))
    world.say('g', '/stop')
    await world.until(() => expect(world.shown('g')).toEqual(['Stopped.']))
    await world.until(() => expect(activity()).toEqual({ runningSince: null, waiting: 0 }))
    world.say('g', 'again')
    await world.until(() => expect(world.shown('g')).toEqual(['Stopped.', 'demo: again']))
    await world.until(() => expect(world.shown('other')[0]).toContain('slow answer'))
    world.say('g', '/stop')
    await world.until(() => expect(world.shown('g').at(-1)).toBe('Nothing is running here.'))
  })

  test('/new begins another conversation; what is under way goes on in the old one', async () => {
    await using world = new HostWorld({ groups: { garden: { concurrency: 2 } } })
    world.bind('g', 'garden', { engage: 'mention' })
    await world.host.start()
    const ask = (text: string) => world.say('g', text, { mentionsUs: true })
    ask('/demo slow 1500')
    await world.until(() => expect(world.core.dispatches.open(GARDEN)[0]?.acceptedAt).toBeTruthy())
    ask('waiting')
    world.say('g', 'said in passing')
    ask('/new')
    await world.until(() => expect(world.shown('g')[0]).toContain('goes on in the old one'))
    ask('/demo help')
    await world.until(() => expect(world.shown('g')).toHaveLength(4))
    const whole = world.channel.shown(world.channel.address('g')).join()
    expect(whole).toContain('This is turn 1 of this session.')
    expect(whole).toContain('slow answer after 1500 ms, turn 1')
    expect(world.shown('g').at(-1)).toBe('demo: waiting')
    const mail = inboxMessages(world, GARDEN)
    const chat = `chat:${chatOf(world, 'g')}`
    expect(mail.map(({ session }) => session)).toEqual([chat, chat, `${chat}~1`])
    expect(mail.at(-1)?.context).toEqual([])
  })

  test('what was chosen for a chat goes along with its messages, and /status shows it', async () => {
    await using world = new HostWorld({ groups: { garden: {} } })
    world.bind('g', 'garden')
    await world.host.start()
    const olga = { id: userId('fake', 'olga'), name: 'Olga', isBot: false }
    world.core.roles.grant(olga.id, 'owner', null, world.core.clock.now())
    world.say('g', '/model big-one', { sender: olga })
    world.say('g', '/effort high', { sender: olga })
    world.say('g', 'hello')
    world.say('g', '/status')
    const whole = () => world.channel.shown(world.channel.address('g')).join()
    await world.until(() => expect(whole()).toContain('model big-one (chosen here)'))
    await world.until(() => expect(world.shown('g').join()).toContain('demo: hello'))
    expect(inboxMessages(world, GARDEN)).toMatchObject([{ text: 'hello', model: 'big-one', effort: 'high' }])
  })

  test('at its bound a group keeps what comes, says so once, and answers /status', async () => {
    await using world = new HostWorld({ groups: { garden: { limits: { turns_per_hour: 1 } } } })
    world.bind('g', 'garden')
    await world.host.start()
    for (const text of ['one', 'two', 'three']) world.say('g', text)
    await world.until(() => expect(world.shown('g').join()).toContain('has done its 1 turn for'))
    await world.until(() => expect(world.shown('g')).toContain('demo: one'))
    world.say('g', '/status')
    await world.until(() =>
      expect(world.channel.shown(world.channel.address('g')).join()).toContain('2 messages wait'),
    )
    expect(world.shown('g').filter((line) => line.includes('has done its'))).toHaveLength(1)
    expect(world.shown('g').filter((line) => line.startsWith('demo:'))).toEqual(['demo: one'])
    expect(inboxMessages(world, GARDEN)).toHaveLength(1)
  })

  test('two groups of one chat both answer, and what was overheard comes along', async () => {
    await using world = new HostWorld({ groups: TWO })
    world.bind('g', 'garden', { engage: 'mention' })
    world.bind('g', 'kitchen', { engage: 'pattern', pattern: 'soup' })
    await world.host.start()
    world.say('g', 'the roses are dry')
    world.say('g', 'soup, please')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: soup, please']))
    world.say('g', '@bot soup?', { mentionsUs: true })
    await world.until(() => expect(world.shown('g')).toHaveLength(3))
    const context = (group: GroupName) =>
      inboxMessages(world, group).map((message) => message.context.map((heard) => heard.text))
    expect(context(KITCHEN)).toEqual([['the roses are dry'], []])
    expect(context(GARDEN)).toEqual([['the roses are dry', 'soup, please']])
  })
})

describe('a failing group leaves the others alone (I7)', () => {
  test('a bad container.json, mended later', { timeout: 60_000 }, async () => {
    await using world = await twoRooms({ garden: '{"concurrency": "many"}', kitchen: {} })
    world.say('g', 'stuck')
    world.say('k', 'fine')
    await world.until(() => expect(world.shown('k')).toEqual(['demo: fine']))
    await world.until(() => expect(world.host.supervisor.status(GARDEN).problem).toContain('concurrency'))
    await world.until(() =>
      expect(world.shown('g')).toEqual([expect.stringContaining('cannot work right now')]),
    )
    expect(world.host.supervisor.status(KITCHEN).problem).toBeNull()
    world.configure('garden', {})
    await world.until(() => expect(world.shown('g').at(-1)).toBe('demo: stuck'), 50_000)
    await world.until(() => expect(world.host.supervisor.status(GARDEN).problem).toBeNull())
    expect(world.shown('g')).toHaveLength(2)
  })

  test('a poisoned outbox: told once, not at every try', { timeout: 60_000 }, async () => {
    await using world = await twoRooms()
    world.say('g', 'before')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: before']))
    writeFileSync(world.paths.outbox(GARDEN), 'this is no database, and it never was one. '.repeat(100))
    world.say('g', 'stuck')
    await world.until(() => expect(world.host.supervisor.status(GARDEN).problem).toContain('outbox'))
    world.say('k', 'fine')
    await world.until(() => expect(world.shown('k')).toEqual(['demo: fine']))
    const failures = () => world.engine.calls.length
    // Several more tries of the collector go by: the back-off is 200, 400, 800 ms.
    const tries = failures()
    await world.until(() => expect(world.host.supervisor.status(GARDEN).problem).toContain('outbox'))
    world.say('k', '/demo slow 3000')
    await world.until(() => expect(world.shown('k')).toHaveLength(2))
    expect(failures()).toBeGreaterThanOrEqual(tries)
    expect(world.shown('g').filter((text) => text.includes('cannot work'))).toHaveLength(1)
  })

  test('a lock held for ever on its outbox', { timeout: 60_000 }, async () => {
    await using world = await twoRooms()
    world.say('g', 'before')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: before']))
    const holder = new Database(world.paths.outbox(GARDEN), { timeout: 10_000 })
    try {
      holder.exec('BEGIN EXCLUSIVE')
      for (let n = 1; n <= 3; n += 1) {
        world.say('k', `fine ${n}`)
        await world.until(() => expect(world.shown('k')).toHaveLength(n))
      }
    } finally {
      holder.close()
    }
    world.say('g', 'after')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: before', 'demo: after']), 40_000)
  })

  test('a damaged inbox does not keep the host from starting', { timeout: 60_000 }, async () => {
    await using world = await twoRooms()
    world.say('g', 'before')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: before']))
    await world.host.stop({ drainMs: 0, stopSandboxes: true })
    writeFileSync(world.paths.inbox(GARDEN), 'no database '.repeat(500))
    await world.restart({ stopSandboxes: true })
    world.say('g', 'stuck')
    world.say('k', 'fine')
    await world.until(() => expect(world.shown('k')).toEqual(['demo: fine']))
    await world.until(() => expect(world.host.supervisor.status(GARDEN).problem).toContain('inbox'))
  })

  test('a crash loop, until the message is given up', { timeout: 60_000 }, async () => {
    await using world = await twoRooms()
    world.say('g', '/demo crash')
    world.say('k', 'fine')
    await world.until(() => expect(world.shown('k')).toEqual(['demo: fine']))
    world.say('g', 'next')
    await world.until(() => expect(world.shown('g').at(-1)).toContain('demo: next'), 50_000)
    await world.until(() => expect(world.core.overview.read().failedByGroup.get('garden')).toBe(1))
  })
})

describe('ends and beginnings of the host', () => {
  test('restarted in the middle of a turn it adopts the sandbox, and the turn is answered once', {
    timeout: 60_000,
  }, async () => {
    await using world = await twoRooms()
    world.say('g', '/demo slow 1500')
    await world.until(() =>
      expect(world.core.dispatches.open(GARDEN)[0]?.acceptedAt).toEqual(expect.any(Number)),
    )
    await world.restart({ stopSandboxes: false })
    await world.until(() =>
      expect(world.shown('g')).toEqual(['demo: slow answer after 1500 ms, turn 1 of this session']),
    )
    world.say('g', 'next')
    await world.until(() => expect(world.shown('g')).toHaveLength(2))
    expect(world.engine.calls.filter((call) => call.startsWith('start'))).toEqual([])
  })

  test('a graceful end hands a running turn back, and the next host answers it once', {
    timeout: 60_000,
  }, async () => {
    await using world = await twoRooms()
    world.say('g', '/demo slow 3000')
    await world.until(() =>
      expect(world.core.dispatches.open(GARDEN)[0]?.acceptedAt).toEqual(expect.any(Number)),
    )
    await world.restart({ stopSandboxes: true })
    await world.until(() => expect(world.shown('g')).toHaveLength(1))
    world.say('g', 'next')
    await world.until(() => expect(world.shown('g').slice(1)).toEqual(['demo: next']))
    expect(world.engine.calls.filter((call) => call.startsWith('start'))).toEqual(['start garden'])
  })

  test('a graceful end waits for a turn that ends in time, and its answer leaves', {
    timeout: 60_000,
  }, async () => {
    await using world = await twoRooms()
    world.say('g', '/demo slow 3000')
    await world.until(() =>
      expect(world.core.dispatches.open(GARDEN)[0]?.acceptedAt).toEqual(expect.any(Number)),
    )
    await world.restart({ stopSandboxes: true, drainMs: 30_000 })
    await world.until(() => expect(world.shown('g')).toHaveLength(1))
    expect(world.engine.calls.filter((call) => call.startsWith('start'))).toEqual([])
  })

  test('what a runner wrote while no host ran is delivered by the next one, once', {
    timeout: 60_000,
  }, async () => {
    await using world = await twoRooms()
    world.say('g', 'one')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: one']))
    await world.until(() => expect(world.core.dispatches.hasOpen(GARDEN)).toBe(false))
    await world.host.stop({ drainMs: 0, stopSandboxes: true })
    {
      using outbox = new OutboxWriter(world.paths.outbox(GARDEN))
      outbox.append([{ type: 'reply', inboxSeq: 1, text: 'late' }], 1)
      // Never given to this group: rejected, and counted.
      outbox.append([{ type: 'reply', inboxSeq: 99, text: 'forged' }], 1)
    }
    await world.restart({ stopSandboxes: true })
    world.say('g', 'two')
    await world.until(() => expect(world.shown('g')).toEqual(['demo: one', 'late', 'demo: two']))
    expect(world.core.overview.read().rejectedByGroup.get('garden')).toBe(1)
  })
})

function inboxMessages(world: HostWorld, group: GroupName) {
  const db = new Database(world.paths.inbox(group), { readonly: true, timeout: 5_000 })
  try {
    return db
      .prepare<[], { body: string }>("SELECT body FROM entry WHERE type = 'message' ORDER BY seq")
      .all()
      .map((row) => JSON.parse(row.body) as InboxMessage)
  } finally {
    db.close()
  }
}
