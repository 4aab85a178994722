import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ChannelRefusedError, ChannelUnreachableError, RetryAfterError } from '../../src/domain/errors.ts'
import type { Fault } from './bot-api-front.ts'
import { announceEmulator, GROUP } from './emulator.ts'
import { TelegramWorld, WAIT } from './telegram-world.ts'

beforeAll(announceEmulator)

let world: TelegramWorld
beforeEach(async () => {
  world = await TelegramWorld.start()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
})

const calls = (method: string) => world.emulator.calls.filter((call) => call.method === method)
const answer = (status: number, text: string, parameters?: object): Fault => ({
  type: 'answer',
  status,
  text,
  ...(parameters === undefined ? {} : { parameters }),
})

describe('send', () => {
  it('answers in the group, with formatting beside the text and no preview', async () => {
    const [id] = await world.send(world.group, '**Done**: see [the log](https://example.org/log)')
    expect(Number(id)).toBeGreaterThan(0)
    expect(await world.emulator.sentMessages(GROUP.id)).toMatchObject([
      {
        text: 'Done: see the log',
        entities: [
          { type: 'bold', offset: 0, length: 4 },
          { type: 'text_link', offset: 10, length: 7, url: 'https://example.org/log' },
        ],
        link_preview_options: { is_disabled: true },
      },
    ])
  })

  it('answers in the topic of the question', async () => {
    world.listen()
    world.emulator.addTopic(31)
    await world.emulator.postGroupMessage('ask', { message_thread_id: 31, is_topic_message: true })
    const { address } = await world.next('ask')
    await world.send(address, 'answer')
    expect(await world.emulator.sentMessages(GROUP.id)).toMatchObject([
      { text: 'answer', message_thread_id: 31 },
    ])
  })

  it('splits a long text with code into messages that Telegram takes', async () => {
    const code = Array.from({ length: 400 }, (_, n) => `  const line${n} = "${'x'.repeat(20)}"`).join('\n')
    await world.send(
      world.private,
      `# Report\n\n\`\`\`ts\n${code}\n\`\`\`\n\nThe end. ${'word '.repeat(1500)}`,
    )
    const sent = await world.emulator.sentMessages(world.private.chat)
    expect(sent.length).toBeGreaterThan(4)
    const inCode = sent.filter((message) => message.text.includes('const line'))
    expect(inCode.every((message) => message.entities?.some((entity) => entity.type === 'pre'))).toBe(true)
    const whole = sent.map((message) => message.text).join('\n')
    for (let n = 0; n < 400; n += 1) expect(whole).toContain(`  const line${n} = `)
  })

  it('sends plain text when Telegram does not like the formatting', async () => {
    world.emulator.fault('sendMessage', answer(400, "Bad Request: can't parse entities: whatever"))
    await world.send(world.group, '**important** [news](https://example.org/n)')
    const sent = await world.emulator.sentMessages(GROUP.id)
    expect(sent.map(({ text, entities }) => ({ text, entities }))).toEqual([
      { text: 'important news (https://example.org/n)', entities: undefined },
    ])
  })

  it('follows a group that became a supergroup', async () => {
    world.emulator.addChat(-100_500)
    const text = 'Bad Request: group chat was upgraded to a supergroup chat'
    world.emulator.fault('sendMessage', answer(400, text, { migrate_to_chat_id: -100_500 }))
    await world.send({ ...world.group, chat: '-5' }, 'hello')
    expect(await world.emulator.sentMessages(-100_500)).toHaveLength(1)
    expect(world.migrations).toEqual(['-5 -> -100500'])
  })
})

describe('send refused', () => {
  it('says why, for good', async () => {
    world.emulator.block(world.private.chat)
    const blocked = await world.sendError(world.private)
    expect(blocked).toBeInstanceOf(ChannelRefusedError)
    expect(blocked).toMatchObject({ message: expect.stringContaining('bot was blocked by the user') })
    const unknown = await world.sendError({ ...world.group, chat: '-77' }, '**formatted**')
    expect(unknown).toBeInstanceOf(ChannelRefusedError)
    expect(unknown).toMatchObject({ message: expect.stringContaining('chat not found') })
    expect(await world.sendError({ ...world.group, thread: '5' })).toBeInstanceOf(ChannelRefusedError)
  })

  it('asks Telegram nothing about an address or a part that cannot be its own', async () => {
    const { signal } = new AbortController()
    expect(await world.sendError({ ...world.group, chat: '@durov' })).toBeInstanceOf(ChannelRefusedError)
    expect(await world.sendError({ ...world.group, thread: 'x' })).toBeInstanceOf(ChannelRefusedError)
    await expect(world.channel.send(world.group, 'not a part', 'k', signal)).rejects.toThrow(
      ChannelRefusedError,
    )
    expect(calls('sendMessage')).toEqual([])
  })

  it('passes on how long to wait, and sends nothing', async () => {
    world.emulator.fault('sendMessage', answer(429, 'Too Many Requests: retry after 3', { retry_after: 3 }))
    const error = await world.sendError(world.group, '**formatted**')
    expect(error).toBeInstanceOf(RetryAfterError)
    expect(error).toMatchObject({ delayMs: 3000 })
    expect(await world.emulator.sentMessages()).toEqual([])
  })
})

describe('send with the platform away', () => {
  it.each<[string, Fault, number]>([
    ['the connection breaks before an answer', { type: 'reset', carriedOut: false }, 0],
    ['the connection breaks after it was sent', { type: 'reset', carriedOut: true }, 1],
    ['Telegram fails', answer(500, 'Internal Server Error'), 0],
    ['a proxy fails', { type: 'raw', status: 502, body: '<html>Bad Gateway</html>' }, 0],
  ])('is ambiguous when %s', async (_what, fault, shown) => {
    world.emulator.fault('sendMessage', fault)
    const error = await world.sendError(world.group)
    expect(error).toBeInstanceOf(ChannelUnreachableError)
    expect(error).toMatchObject({ ambiguous: true })
    expect(await world.emulator.sentMessages()).toHaveLength(shown)
  })

  it('is not ambiguous when nothing can have been sent', async () => {
    expect(await world.sendError(world.group, 'x', AbortSignal.abort())).toMatchObject({ ambiguous: false })
    world.emulator.fault('sendMessage', answer(401, 'Unauthorized'))
    expect(await world.sendError(world.group)).toMatchObject({ ambiguous: false })
    expect(await world.emulator.sentMessages()).toEqual([])
  })

  it('is not ambiguous when the connection is refused, and works again when it is not', async () => {
    await world.emulator.cut()
    const error = await world.sendError(world.group)
    expect(error).toBeInstanceOf(ChannelUnreachableError)
    expect(error).toMatchObject({ ambiguous: false, message: expect.stringContaining('ECONNREFUSED') })
    await world.emulator.restore()
    await world.send(world.group, 'back')
    expect(await world.emulator.sentMessages(GROUP.id)).toHaveLength(1)
  })
})

describe('showProgress', () => {
  it('shows typing once for a burst, in the topic, and swallows every failure', async () => {
    const progress = { group: 'agent' as never, text: '' }
    world.emulator.fault('sendChatAction', answer(400, 'Bad Request: chat not found'))
    for (let n = 0; n < 50; n += 1) world.channel.showProgress({ ...world.group, thread: '31' }, progress)
    world.channel.showProgress({ ...world.group, chat: '@durov' }, progress)
    world.channel.showProgress(world.group, null)
    await vi.waitFor(() => expect(world.messages('debug')).toEqual(['typing not shown']), WAIT)
    expect(calls('sendChatAction').map((call) => call.payload)).toEqual([
      { chat_id: String(GROUP.id), action: 'typing', message_thread_id: 31 },
    ])
  })
})
