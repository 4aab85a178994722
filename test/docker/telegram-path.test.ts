import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hostCount } from '../rig/host-count.ts'
import { HostProcess } from '../rig/host-process.ts'
import { ALICE, BOT, type Emulator, GROUP, keysOf, startEmulator } from '../telegram/emulator.ts'
import { testAgentImage } from './test-image.ts'

/** Waits are long: the machine may be busy; nothing here measures time. */
let telegram: Emulator
let host: HostProcess

beforeEach(async () => {
  await testAgentImage()
  telegram = await startEmulator()
  host = await HostProcess.make()
  const token = join(host.folder, 'token')
  writeFileSync(token, telegram.token, { mode: 0o600 })
  writeFileSync(
    join(host.folder, 'creel.toml'),
    `[[telegram]]\ntoken_file = "${token}"\napi_root = "${telegram.apiRoot}"\n`,
  )
})

afterEach(async () => {
  await host[Symbol.asyncDispose]()
  await telegram.stop()
})

const mention = `@${BOT.username}`
const mentioned = { entities: [{ type: 'mention', offset: 0, length: mention.length }] }
const label = (chat: number) => `telegram:${chat}`
const texts = async (chat: number) => (await telegram.sentMessages(chat)).map((message) => message.text)

describe('a message in a Telegram group', () => {
  it('wakes the stopped group and is answered there', async () => {
    await host.creel('group', 'add', 'family')
    await host.start()
    expect(await host.containers()).toEqual([])

    await telegram.postGroupMessage(`${mention} good morning`, mentioned)
    // Nobody answers that chat yet: the message waits for the owner and is not lost.
    await host.event('inbound.routed', ({ state }) => state === 'held')
    expect(telegram.isConfirmed(`${mention} good morning`)).toBe(true)
    await host.creel('bind', label(GROUP.id), 'family', '--senders', 'open')

    await host.until('the answer', async () =>
      (await texts(GROUP.id)).some((text) => text.includes('demo: ')),
    )
    expect(
      (await texts(GROUP.id)).filter((text) => text.includes(`demo: ${mention} good morning`)),
    ).toHaveLength(1)
    expect(await host.containers()).toMatchObject([{ group: 'family', state: 'running' }])
  })

  it('is kept as context when it does not engage, and given along with the next that does', async () => {
    await host.creel('group', 'add', 'family')
    await host.start()
    await telegram.postGroupMessage('unrelated talk')
    await host.event('inbound.routed', ({ state }) => state === 'heard')
    await host.creel('bind', label(GROUP.id), 'family', '--senders', 'open')
    await telegram.postGroupMessage(`${mention} /demo prompt`, mentioned)
    await host.event('turn.settled')
    await host.until('the answer', async () =>
      (await texts(GROUP.id)).some((text) => text.includes('unrelated talk')),
    )
  })
})

describe('a turn that takes long', () => {
  const working = async () => (await texts(GROUP.id)).filter((text) => text.startsWith('Working'))
  const shown = (part: string) =>
    host.until(`“${part}”`, async () => (await texts(GROUP.id)).some((text) => text.includes(part)))

  const notedMessages = () => hostCount(host.dataDir, 'SELECT count(platform_message_id) FROM progress_note')

  beforeEach(async () => {
    appendFileSync(host.tomlFile, '[chats]\nprogress_after_s = 1\n')
    await host.creel('group', 'add', 'family')
    await host.start()
    await telegram.postGroupMessage('hello')
    await host.event('inbound.routed')
    await host.creel('bind', label(GROUP.id), 'family', '--senders', 'open')
  })

  it('shows one message with time and tool, which goes when it is stopped, also after the host was killed', async () => {
    await telegram.postGroupMessage(`${mention} /demo shell sleep 50`, mentioned)
    await shown('· shell')
    await host.kill()
    expect(await working()).toHaveLength(1)
    await host.start()
    await host.until('the clock to go on', async () => /… 1\d s/.test((await working())[0] ?? ''))
    expect(await working()).toHaveLength(1)
    await telegram.postGroupMessage(`${mention} /status`, mentioned)
    await shown('Working for')
    const stop = `/stop@${BOT.username}`
    await telegram.postGroupMessage(stop, {
      entities: [{ type: 'bot_command', offset: 0, length: stop.length }],
    })
    await shown('Stopped.')
    await host.until('the message to go', async () => (await working()).length === 0)
    expect(telegram.calls.filter(({ method }) => method === 'deleteMessage')).toHaveLength(1)
  })

  it('leaves nothing behind when it ends while no host runs', async () => {
    await telegram.postGroupMessage(`${mention} /demo slow 5000`, mentioned)
    await shown('Working …')
    // Telegram knows no keys: killed before it has noted which message that is, nobody could take it away.
    await host.until('its number to be noted', async () => notedMessages() === 1)
    await host.kill()
    await sleep(5_000)
    await host.start()
    await shown('slow answer after 5000 ms')
    await host.until('the message to go', async () => (await working()).length === 0)
  })

  it('offers its commands, and is given what a message answers', async () => {
    await host.until('the menu', () => telegram.calls.some(({ method }) => method === 'setMyCommands'))
    const from = { id: 9, is_bot: false, first_name: 'Bo' }
    const replied = { message_id: 77, date: 1, chat: GROUP, from, text: 'the old plan' }
    await telegram.postGroupMessage(`${mention} /demo prompt`, { ...mentioned, reply_to_message: replied })
    await shown('in answer to this message of Bo (telegram:9)')
    await shown('the old plan')
  })
})

describe('what an agent asks for', () => {
  it('is put to the owner in private with buttons, which nobody else can press, also after the host was killed', async () => {
    await host.creel('group', 'add', 'family')
    await host.creel('roles', 'grant', 'telegram:7', 'owner')
    await host.start()
    await telegram.postPrivateMessage('I am here')
    await telegram.postGroupMessage('hello')
    await host.until('both chats', async () => (await host.call<unknown[]>('chat-list')).length >= 2)
    await host.creel('bind', label(GROUP.id), 'family', '--senders', 'open')
    const asks = '{"host":"api.example.com","reason":"the weather"}'
    await telegram.postGroupMessage(`${mention} /demo tool request_egress ${asks}`, mentioned)
    const cards = async () => (await telegram.sentMessages(ALICE.id)).filter((one) => keysOf(one).length > 0)
    await host.until('the card', async () => (await cards()).length === 1)
    expect(keysOf((await cards())[0] as never).map(({ text }) => text)).toEqual([
      'Once (10 min)',
      'Always',
      'Deny',
    ])
    // Killed before it notes that the card was sent, it would send another: Telegram cannot be told that they are one.
    const askedAt = Number(host.log().find(({ event }) => event === 'approval.asked')?.time)
    await host.event('delivery.sent', ({ group, time }) => group === null && Number(time) >= askedAt)
    await host.kill()
    await host.start()
    await telegram.press('Always', ALICE.id, { id: 8, is_bot: false, first_name: 'Alice', last_name: 'Doe' })
    await host.until('the refusal', async () => (await texts(ALICE.id)).join().includes('Only an owner'))
    expect(await host.call('approval-list', {})).toMatchObject([{ state: 'asked' }])
    await telegram.press('Always', ALICE.id)
    await host.until('the word to the agent', async () =>
      (await texts(GROUP.id)).join().includes('it was allowed by'),
    )
    await host.until('the end on the card', async () => (await cards()).length === 0)
    expect((await texts(ALICE.id)).join()).toContain('Allowed by Alice Doe (telegram:7): Always')
    expect(await host.call('egress-list', {})).toMatchObject({})
  })
})

describe('a task', () => {
  it('begins when it is due though the host was killed over that time, and is not a stranger’s to end', async () => {
    await host.creel('group', 'add', 'family')
    await host.creel('roles', 'grant', 'telegram:7', 'owner')
    await host.start()
    await telegram.postGroupMessage('hello')
    await host.event('inbound.routed')
    await host.creel('bind', label(GROUP.id), 'family', '--senders', 'open')
    const shown = (part: string) =>
      host.until(`“${part}”`, async () => (await texts(GROUP.id)).join('\n').includes(part))
    const tool = (name: string, args: object, from = {}) =>
      telegram.postGroupMessage(`${mention} /demo tool ${name} ${JSON.stringify(args)}`, {
        ...mentioned,
        ...from,
      })

    await tool('schedule_task', { name: 'Soon', prompt: 'water the plants', in_minutes: 0.1 })
    await shown('"name": "Soon"')
    await host.kill()
    await sleep(6_000)
    await host.start()
    await shown('water the plants')
    await tool('schedule_task', { name: 'Weekdays', prompt: 'the news', cron: '0 9 * * 1-5' })
    await shown('"name": "Weekdays"')
    const bo = { from: { id: 9, is_bot: false, first_name: 'Bo' } }
    await tool('cancel_task', { id: 2 }, bo)
    await shown('is not changed')
    expect(await host.call('task-list', {})).toMatchObject([{ id: 2, state: 'active' }])
    await tool('cancel_task', { id: 2 })
    await shown('"state": "cancelled"')
    const said = (await texts(GROUP.id)).join('\n')
    expect(said.match(/is due: once/g)).toHaveLength(1)
    expect(await host.call('task-history', { id: 1 })).toMatchObject([{ state: 'done' }])
  })
})

describe('what an agent does in a chat', () => {
  it('changes what it sent, sends a card, reacts, looks back; its memory is for its owner alone', async () => {
    await host.creel('group', 'add', 'family')
    await host.creel('roles', 'grant', 'telegram:7', 'owner')
    await host.start()
    await telegram.postGroupMessage('hello')
    await host.event('inbound.routed')
    await host.creel('bind', label(GROUP.id), 'family', '--senders', 'open')
    const all = async () => (await texts(GROUP.id)).join('\n')
    const shown = (part: string) => host.until(`“${part}”`, async () => (await all()).includes(part))
    const say = (text: string, from = {}) =>
      telegram.postGroupMessage(`${mention} ${text}`, { ...mentioned, ...from })

    const calls = [
      'send_message {"text":"ten percent"}',
      'add_reaction {"emoji":"👀"}',
      'send_card {"title":"A card","links":[{"label":"Map","url":"https://example.org/"}]}',
      'read_history {}',
      'remember {"text":"Ann likes tea"}',
    ]
    await say(`/demo tool ${calls.join('\n')}`)
    await shown('Noted as')
    expect(telegram.reactions).toMatchObject([{ chat: String(GROUP.id), emoji: '👀' }])
    const card = (await telegram.sentMessages(GROUP.id)).find(({ text }) => text.startsWith('A card'))
    expect(card && keysOf(card)).toMatchObject([{ text: 'Map', url: 'https://example.org/' }])
    const told = await all()
    expect(told).toMatch(/Alice Doe \(telegram:7\):\s+hello/)
    const handle = /handle for edit_message is (m\S+?)\.\s/.exec(told)?.[1]
    await say(`/demo tool edit_message {"message":"${handle}","text":"**ready**"}`)
    await shown('Changed.')
    expect(await texts(GROUP.id)).toContain('ready')
    expect(await texts(GROUP.id)).not.toContain('ten percent')

    await say('/memory', { from: { id: 9, is_bot: false, first_name: 'Bo' } })
    await shown('Only an owner or an admin of this agent can use /memory.')
    await say('/memory')
    await shown('owner, in a telegram group chat "Family": Ann likes tea')
    const { found } = await host.call<{ found: { path: string }[] }>('memory-list', { group: 'family' })
    expect(found.map(({ path }) => path)).toContain('index.md')
    const line = /\[([0-9a-f]{8})\] [^\n]*Ann likes tea/.exec(await all())?.[1] ?? 'none'
    expect(await host.creel('memory', 'forget', 'family', line)).toContain(`Forgotten: [${line}]`)
    expect(await host.creel('memory', 'show', 'family')).not.toContain('Ann likes tea')
    const mine = join(host.folder, 'mine.md')
    writeFileSync(mine, '# Memory\n\nBo likes coffee\n')
    expect(await host.creel('memory', 'edit', 'family', '--from', mine)).toContain('Written: `index.md`')
    expect(await host.creel('memory', 'search', 'family', 'COFFEE')).toContain('index.md:3')
  })
})

describe('twenty groups with fifty interleaved messages each', () => {
  it('answers every message once and in order', { timeout: 600_000 }, async () => {
    // All of them are said by one person.
    appendFileSync(host.tomlFile, '[limits]\nsender_per_minute = 0\n')
    const chats = Array.from({ length: 20 }, (_, n) => -100_500 - n)
    for (const chat of chats) telegram.addChat(chat)
    await host.start()
    for (const [n] of chats.entries()) await host.call('group-add', { name: `g${n}` })
    const say = (chat: number, text: string) =>
      telegram.post({ text, chat: { id: chat, type: 'group', title: `chat ${chat}` } })
    for (const chat of chats) await say(chat, 'hello')
    await host.until('all chats to be known', async () => {
      const known = await host.call<{ label: string }[]>('chat-list')
      return chats.every((chat) => known.some((entry) => entry.label === label(chat)))
    })
    for (const [n, chat] of chats.entries()) {
      const modes = { engage: 'always', senders: 'open' }
      await host.call('bind', { chat: label(chat), group: `g${n}`, ...modes })
    }
    for (let i = 0; i < 50; i++) for (const chat of chats) await say(chat, `message ${i}`)

    const echoes = async (chat: number) =>
      (await texts(chat)).flatMap((text) => /^demo: (message \d+)/.exec(text)?.[1] ?? [])
    await host.until(
      'a thousand answers',
      async () => {
        const counts = await Promise.all(chats.map(async (chat) => (await echoes(chat)).length))
        return counts.every((count) => count >= 50)
      },
      500_000,
    )
    const expected = Array.from({ length: 50 }, (_, i) => `message ${i}`)
    for (const chat of chats) expect(await echoes(chat)).toEqual(expected)
  })
})

describe('more than an agent can take', () => {
  const say = (text: string) => telegram.postGroupMessage(text)
  const told = async (part: string) => (await texts(GROUP.id)).filter((text) => text.includes(part))

  it('is answered together, then left out with a reason; the chat is told once of each, and /stop counts at once', async () => {
    appendFileSync(host.tomlFile, '[chats]\nqueue_bound = 2\n[limits]\nsender_per_minute = 8\n')
    await host.creel('group', 'add', 'family')
    await host.start()
    await say('hello')
    await host.event('inbound.routed')
    const policy = ['--engage', 'always', '--senders', 'open', '--when-full', 'summarise']
    await host.creel('bind', label(GROUP.id), 'family', ...policy)
    for (const text of ['/demo slow 3000', 'one', 'two', 'three', '/demo prompt']) await say(text)
    await host.until('the first notice', async () => (await told('answered together')).length === 1)
    await host.until(
      'one answer for the rest',
      async () => (await told('Besides this message 2 more')).length === 1,
    )
    const [prompt = ''] = await told('Besides this message 2 more')
    for (const text of ['two', 'three']) expect(prompt).toContain(text)
    await say('/demo hang')
    for (let n = 1; n <= 12; n += 1) await say(`flood ${n}`)
    await host.until(
      'the second notice',
      async () => (await told('More than 8 messages a minute')).length === 1,
    )
    await say('/stop')
    await host.until('the end', async () => (await told('Stopped.')).length === 1)
    // It was calm in between, so each of the two times.
    expect(await told('messages wait here already')).toHaveLength(2)
    const turns = await host.creel('turns', 'list', '--state', 'cancelled')
    expect(turns.match(/more than 8 messages a minute from one person/g)?.length).toBeGreaterThanOrEqual(3)
    expect(await host.creel('status')).toContain('too many or too old')
  })
})
