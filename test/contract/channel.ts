import { describe, expect, it, vi } from 'vitest'
import { ChannelRefusedError } from '../../src/domain/errors.ts'
import { answerCases } from './channel-answers.ts'
import { choiceCases } from './channel-choices.ts'
import { fileCases } from './channel-files.ts'
import { listen, WAIT } from './channel-listener.ts'
import { type ChannelWorld, HOSTILE_TEXTS, inWorld, sendAll } from './channel-world.ts'

/** What every channel owes to the rest of Creel. `make` gives a fresh world for each case. */
export function channelContract(name: string, make: () => Promise<ChannelWorld>): void {
  describe(`channel contract: ${name}`, () => {
    inboundCases(make)
    outboundCases(make)
    fileCases(make)
    choiceCases(make)
    answerCases(make)
  })
}

function inboundCases(make: () => Promise<ChannelWorld>): void {
  it('hands over a message with where it came from, who wrote it and when', () =>
    inWorld(make, async (world) => {
      const receiver = listen(world)
      await world.say('hello there')
      const message = await receiver.next('hello there')
      expect(message.address).toEqual(world.address)
      expect(message.address.channel).toBe(world.channel.name)
      expect(message.address.account).toBe(world.channel.account)
      expect(message.platformMessageId).not.toBe('')
      expect(message.sender.id.startsWith(`${world.channel.name}:`)).toBe(true)
      expect(Number.isSafeInteger(message.sentAt)).toBe(true)
      expect(message.sentAt).toBeGreaterThan(1_500_000_000_000)
      await receiver.stop()
    }))

  it('acknowledges a message only after accept has returned', () =>
    inWorld(make, async (world) => {
      const early: boolean[] = []
      const receiver = listen(world, (message) => {
        early.push(world.isAcknowledged(message.text))
        return 'new'
      })
      await world.say('keep me')
      await receiver.next('keep me')
      await vi.waitFor(() => expect(world.isAcknowledged('keep me')).toBe(true), WAIT)
      expect(early.every((acknowledged) => !acknowledged)).toBe(true)
      await receiver.stop()
    }))

  it('hands a message over again, under the same id, when accept threw', () =>
    inWorld(make, async (world) => {
      const ids: string[] = []
      const receiver = listen(world, (message) => {
        ids.push(message.platformMessageId)
        if (ids.length === 1) throw new Error('disk full')
        return 'new'
      })
      await world.say('precious')
      await vi.waitFor(() => expect(ids.length).toBeGreaterThanOrEqual(2), WAIT)
      await vi.waitFor(() => expect(world.isAcknowledged('precious')).toBe(true), WAIT)
      expect(new Set(ids).size).toBe(1)
      await receiver.stop()
    }))

  it('acknowledges a duplicate as well', () =>
    inWorld(make, async (world) => {
      const receiver = listen(world, () => 'duplicate')
      await world.say('seen before')
      await vi.waitFor(() => expect(world.isAcknowledged('seen before')).toBe(true), WAIT)
      await receiver.stop()
    }))

  it('keeps the order of one chat and gives each message its own id', () =>
    inWorld(make, async (world) => {
      const receiver = listen(world)
      for (const text of ['one', 'two', 'three']) await world.say(text)
      await receiver.next('three')
      expect(receiver.taken.map((message) => message.text)).toEqual(['one', 'two', 'three'])
      expect(new Set(receiver.taken.map((message) => message.platformMessageId)).size).toBe(3)
      await receiver.stop()
    }))

  it('ends receive when the signal aborts, also when it was aborted before', () =>
    inWorld(make, async (world) => {
      const receiver = listen(world)
      await world.say('running')
      await receiver.next('running')
      await receiver.stop()
      expect(receiver.taken).toHaveLength(1)
    }).then(() => inWorld(make, (world) => world.channel.receive(() => 'new', AbortSignal.abort()))))
}

function outboundCases(make: () => Promise<ChannelWorld>): void {
  it('shows what is sent, in order, and names it with an id', () =>
    inWorld(make, async (world) => {
      const first = await sendAll(world, 'the first answer', 'k1')
      const second = await sendAll(world, 'the second answer', 'k2')
      expect([...first, ...second].every((id) => id !== '')).toBe(true)
      expect(new Set([...first, ...second]).size).toBe(first.length + second.length)
      const shown = await world.shown(world.address)
      expect(shown.map((line) => line.trim())).toEqual(['the first answer', 'the second answer'])
    }))

  it('keeps its word about sending one key twice', () =>
    inWorld(make, async (world) => {
      const first = await sendAll(world, 'only once', 'same')
      const again = await sendAll(world, 'only once', 'same')
      const shown = await world.shown(world.address)
      expect(shown).toHaveLength(world.channel.capabilities.idempotentSend ? 1 : 2)
      if (world.channel.capabilities.idempotentSend) expect(again).toEqual(first)
    }))

  it('takes every part that it rendered, and loses no word of a long text', () =>
    inWorld(make, async (world) => {
      const words = Array.from({ length: 3000 }, (_, index) => `word${index}`)
      await sendAll(world, words.join(' '), 'long')
      const shown = (await world.shown(world.address)).join(' ')
      expect(shown.split(/\s+/).filter((word) => word !== '')).toEqual(words)
    }))

  it('renders and sends hostile text without failing, and never sends nothing', () =>
    inWorld(make, async (world) => {
      for (const [index, text] of HOSTILE_TEXTS.entries()) {
        expect(world.channel.render(text)).toEqual(world.channel.render(text))
        await sendAll(world, text, `hostile-${index}`)
      }
      const shown = await world.shown(world.address)
      expect(shown.length).toBeGreaterThanOrEqual(HOSTILE_TEXTS.length)
      expect(shown.join('\n')).toContain('<b>not bold</b>')
    }))

  it('never throws from showProgress', () =>
    inWorld(make, async (world) => {
      const group = 'contract' as never
      for (const to of [world.address, { ...world.address, chat: 'no such chat' }]) {
        world.channel.showProgress(to, { group, text: '' })
        world.channel.showProgress(to, { group, text: '*'.repeat(100_000), activity: 'thinking' })
        world.channel.showProgress(to, null)
      }
      await sendAll(world, 'still alive', 'after-progress')
      expect((await world.shown(world.address)).at(-1)?.trim()).toBe('still alive')
    }))

  it('shows a note, changes it and takes it away, twice if need be', () =>
    inWorld(make, async (world) => {
      const { notes } = world.channel
      if (notes === undefined) {
        console.log(`channel contract: ${world.channel.name} shows progress without notes`)
        expect(world.channel.showProgress(world.address, null)).toBeUndefined()
        return
      }
      const { signal } = new AbortController()
      await sendAll(world, 'an answer', 'before')
      const id = await notes.post(world.address, 'Working … 10 s', signal)
      expect((await world.shown(world.address)).at(-1)).toBe('Working … 10 s')
      for (const _ of [1, 2]) await notes.edit(world.address, id, 'Working … 15 s · Bash', signal)
      expect((await world.shown(world.address)).at(-1)).toBe('Working … 15 s · Bash')
      for (const _ of [1, 2]) await notes.remove(world.address, id, signal)
      expect(await world.shown(world.address)).toEqual(['an answer'])
      await expect(notes.edit(world.address, id, 'too late', signal)).rejects.toThrow(ChannelRefusedError)
      const nowhere = world.refusedAddress ?? { ...world.address, chat: 'nowhere' }
      await expect(notes.post(nowhere, 'hello?', signal)).rejects.toThrow(ChannelRefusedError)
    }))

  it('says that a message is refused for good where the platform refuses', () =>
    inWorld(make, async (world) => {
      const to = world.refusedAddress
      if (to === undefined) {
        console.log(`channel contract: ${world.channel.name} has no address that its platform refuses`)
        expect(world.channel.render('x').length).toBeGreaterThanOrEqual(1)
        return
      }
      const [part = ''] = world.channel.render('for nobody')
      await expect(world.channel.send(to, part, 'refused', new AbortController().signal)).rejects.toThrow(
        ChannelRefusedError,
      )
    }))
}
