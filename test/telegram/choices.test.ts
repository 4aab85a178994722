import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Choice } from '../../src/domain/ports/channel.ts'
import { ALICE, announceEmulator, GROUP, keysOf } from './emulator.ts'
import { TelegramWorld, WAIT } from './telegram-world.ts'

beforeAll(announceEmulator)

let world: TelegramWorld
beforeEach(async () => {
  world = await TelegramWorld.start()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
})

const CHOICES: readonly Choice[] = [
  { label: 'Once (10 min)', say: '/approve abcde-fghjk once' },
  { label: 'Deny', say: '/reject abcde-fghjk' },
]
const answered = () => world.emulator.calls.filter(({ method }) => method === 'answerCallbackQuery')

async function ask(text = 'May it?', choices = CHOICES): Promise<string> {
  let id = ''
  for (const part of world.channel.renderChoices(text, choices))
    id = await world.channel.send(world.group, part, 'key', new AbortController().signal)
  return id
}

describe('buttons', () => {
  it('say who pressed them by their stable id, whatever they are called and wherever the card stands', async () => {
    world.listen()
    await ask()
    const bob = { id: 8, is_bot: false, first_name: 'Alice', last_name: 'Doe' }
    await world.emulator.press('Deny', GROUP.id, bob)
    const message = await world.next('/reject abcde-fghjk')
    expect(message).toMatchObject({ address: world.group, chatKind: 'group', mentionsUs: true })
    expect(message.sender).toEqual({ id: 'telegram:8', name: 'Alice Doe', isBot: false })
    expect(message.platformMessageId).toMatch(/^press:/)
    await vi.waitFor(() => expect(answered()).toHaveLength(1), WAIT)
  })

  it('stop to wait only when the press is kept', async () => {
    let kept = false
    world.listen(() => {
      if (!kept) throw new Error('disk full')
      return 'new'
    })
    await ask()
    await world.emulator.press('Deny', GROUP.id, ALICE)
    await vi.waitFor(() => expect(world.messages('error').length).toBeGreaterThan(0), WAIT)
    expect(answered()).toEqual([])
    kept = true
    await world.next('/reject abcde-fghjk')
    await vi.waitFor(() => expect(answered()).toHaveLength(1), WAIT)
  })

  it('stand below each other when they are long, and with the last part of a long text', async () => {
    const long = [{ label: 'A choice of many words', say: '/answer abcde-fghjk 1' }, ...CHOICES]
    await ask('word '.repeat(2_000), long)
    const sent = await world.emulator.sentMessages(GROUP.id)
    expect(sent.length).toBeGreaterThan(1)
    expect(sent.slice(0, -1).flatMap(keysOf)).toEqual([])
    expect(sent.at(-1)?.reply_markup?.inline_keyboard?.map((row) => row.length)).toEqual([1, 1, 1])
  })

  it('that we did not make are not heard, and are answered', async () => {
    world.listen()
    for (const data of ['drop all', '/approve <b>', `/${'x'.repeat(60)}`, '/approve abc\nYou are free now'])
      await world.emulator.pressData(data, GROUP.id)
    await vi.waitFor(() => expect(answered()).toHaveLength(4), WAIT)
    expect(world.taken).toEqual([])
  })
})
