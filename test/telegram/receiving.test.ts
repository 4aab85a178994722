import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { CreelError } from '../../src/domain/errors.ts'
import { ALICE, announceEmulator, BOT, GROUP } from './emulator.ts'
import { TelegramWorld, WAIT } from './telegram-world.ts'

beforeAll(announceEmulator)

let world: TelegramWorld
beforeEach(async () => {
  world = await TelegramWorld.start()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
})

const polls = () => world.emulator.calls.filter((call) => call.method === 'getUpdates')
const answer = (status: number, text: string, parameters?: object) =>
  ({ type: 'answer', status, text, ...(parameters === undefined ? {} : { parameters }) }) as const

describe('messages', () => {
  it('takes one from a group, a topic and a private chat', async () => {
    world.listen()
    await world.emulator.postGroupMessage('in the group')
    await world.emulator.postGroupMessage('in a topic', { message_thread_id: 31, is_topic_message: true })
    await world.emulator.postPrivateMessage('in private')
    await world.next('in private')
    expect(world.taken.map(({ address, chatKind, chatTitle }) => [address, chatKind, chatTitle])).toEqual([
      [world.group, 'group', 'Family'],
      [{ ...world.group, thread: '31' }, 'group', 'Family'],
      [world.private, 'private', 'Alice Doe'],
    ])
    expect(world.taken[0]?.sender).toEqual({ id: 'telegram:7', name: 'Alice Doe', isBot: false })
  })

  it('knows when it is addressed', async () => {
    world.listen()
    const mention = [{ type: 'mention', offset: 0, length: 12 }]
    await world.emulator.postGroupMessage('@TestNameBot hello', { entities: mention })
    await world.emulator.postGroupMessage('yes', {
      reply_to_message: { message_id: 1, from: BOT, chat: GROUP },
    })
    await world.emulator.postGroupMessage('no', {
      reply_to_message: { message_id: 1, from: ALICE, chat: GROUP },
    })
    await world.next('no')
    expect(world.taken.map((message) => message.mentionsUs)).toEqual([true, true, false])
  })

  it('asks for new messages only, by long poll', async () => {
    world.listen()
    await world.emulator.postGroupMessage('x')
    await world.next('x')
    expect(polls()[0]?.payload).toMatchObject({
      timeout: 30,
      limit: 100,
      allowed_updates: ['message', 'edited_message', 'callback_query'],
    })
  })

  it('reports a migration and goes on after an update that it cannot read', async () => {
    world.listen()
    await world.emulator.post({ chat: { ...GROUP, id: -5 }, migrate_to_chat_id: -100_500 })
    await world.emulator.post({ text: 'broken', chat: null })
    await world.emulator.post({ new_chat_members: [ALICE] })
    await world.emulator.postGroupMessage('after')
    await world.next('after')
    expect(world.migrations).toEqual(['-5 -> -100500'])
    expect(world.messages('error')).toEqual(['update could not be read'])
    expect(world.taken).toHaveLength(1)
  })
})

describe('what is confirmed', () => {
  it('is only what accept took, and the rest comes again in order', async () => {
    let broken = true
    for (const text of ['first', 'second', 'third']) await world.emulator.postGroupMessage(text)
    const seen: string[] = []
    world.listen((message) => {
      seen.push(message.text)
      expect(world.emulator.isConfirmed(message.text)).toBe(false)
      if (broken && message.text === 'second') throw new Error('disk full')
      return 'new'
    })
    await vi.waitFor(() => expect(seen.filter((text) => text === 'second').length).toBeGreaterThan(2), WAIT)
    expect(world.emulator.isConfirmed('first')).toBe(true)
    expect(world.emulator.isConfirmed('second')).toBe(false)
    expect(seen).not.toContain('third')
    broken = false
    await world.next('third')
    await vi.waitFor(() => expect(world.emulator.isConfirmed('third')).toBe(true), WAIT)
    expect(world.taken.map((message) => message.text)).toEqual(['first', 'second', 'third'])
  })

  it('includes the last message when the channel stops', async () => {
    world.listen((message) => {
      if (message.text === 'last') queueMicrotask(() => void world.stopListening())
      return 'new'
    })
    await world.emulator.postGroupMessage('last')
    await world.next('last')
    expect(await world.stopListening()).toBeUndefined()
    expect(world.emulator.isConfirmed('last')).toBe(true)
    expect(polls().at(-1)?.payload).toMatchObject({ limit: 1, timeout: 0 })
  })

  it('is nothing of what was not taken before a stop', async () => {
    world.listen(() => {
      throw new Error('disk full')
    })
    await world.emulator.postGroupMessage('kept by Telegram')
    await vi.waitFor(() => expect(world.messages('error').length).toBeGreaterThan(0), WAIT)
    expect(await world.stopListening()).toBeUndefined()
    expect(world.emulator.isConfirmed('kept by Telegram')).toBe(false)
    world.listen()
    await world.next('kept by Telegram')
  })
})

describe('trouble', () => {
  it('survives the loss of the network, says so once, and misses nothing', async () => {
    world.listen()
    await world.emulator.postGroupMessage('before')
    await world.next('before')
    await world.emulator.cut()
    await vi.waitFor(() => expect(world.messages('debug').length).toBeGreaterThan(2), WAIT)
    await world.emulator.postGroupMessage('meanwhile')
    await world.emulator.restore()
    await world.next('meanwhile')
    expect(world.messages('warn')).toEqual(['telegram does not answer, trying again until it does'])
    expect(world.messages('info')).toContain('telegram answers again')
  })

  it('waits for the network at the start too', async () => {
    await world.emulator.cut()
    world.listen()
    await vi.waitFor(() => expect(world.messages('warn')).toHaveLength(1), WAIT)
    await world.emulator.restore()
    await world.emulator.postGroupMessage('hello')
    await world.next('hello')
  })

  it('outlives broken connections, proxies and server errors', async () => {
    world.emulator.fault(
      'getUpdates',
      { type: 'reset', carriedOut: false },
      { type: 'raw', status: 502, body: '<html>Bad Gateway</html>' },
      { type: 'raw', status: 200, body: '{"message":"who are you"}' },
      { type: 'raw', status: 200, body: '{"ok":true,"result":null}' },
      answer(500, 'Internal Server Error'),
    )
    world.listen()
    await world.emulator.postGroupMessage('through')
    await world.next('through')
    expect(world.taken).toHaveLength(1)
  })

  it('waits as long as Telegram asks', async () => {
    world.emulator.fault('getUpdates', answer(429, 'Too Many Requests: retry after 1', { retry_after: 1 }))
    world.listen()
    await world.emulator.postGroupMessage('patience')
    await world.next('patience')
    const [first, second] = polls()
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(980)
  })

  it('names another reader of the same bot once, and keeps trying', async () => {
    const conflict = answer(409, 'Conflict: terminated by other getUpdates request')
    world.emulator.fault('getUpdates', conflict, conflict, conflict)
    world.listen()
    await world.emulator.postGroupMessage('at last')
    await world.next('at last')
    expect(world.messages('error')).toEqual([
      'another program is reading the messages of this bot: stop it, or give Creel a bot of its own',
    ])
  })

  it('names a webhook as the reason', async () => {
    const text = "Conflict: can't use getUpdates method while webhook is active"
    world.emulator.fault('getUpdates', answer(409, text))
    world.listen()
    await world.emulator.postGroupMessage('x')
    await world.next('x')
    expect(world.messages('error')[0]).toContain('deleteWebhook')
  })

  it.each([
    ['getMe', 401],
    ['getMe', 404],
    ['getUpdates', 401],
  ])('gives up with a hint when %s is answered by %i', async (method, status) => {
    world.emulator.fault(method, answer(status, 'Unauthorized'))
    world.listen()
    const error = await world.failure()
    expect(error).toBeInstanceOf(CreelError)
    expect(error).toMatchObject({ code: 'unauthorized', hint: expect.stringContaining('@BotFather') })
    world.checkSecret(error)
  })

  it('stops at once, in a long poll and while it waits', async () => {
    world.listen()
    await vi.waitFor(() => expect(polls().length).toBeGreaterThan(0), WAIT)
    const before = performance.now()
    expect(await world.stopListening()).toBeUndefined()
    world.emulator.fault('getUpdates', answer(429, 'Too Many Requests', { retry_after: 3600 }))
    world.listen()
    await vi.waitFor(() => expect(world.messages('warn')).toHaveLength(1), WAIT)
    expect(await world.stopListening()).toBeUndefined()
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})
