import { expect, it } from 'vitest'
import { listen } from './channel-listener.ts'
import { type ChannelWorld, HOSTILE_TEXTS, inWorld, sendParts } from './channel-world.ts'

/** Reactions and links, where the channel has them; what it shows of its own parts. */
export function answerCases(make: () => Promise<ChannelWorld>): void {
  it('answers a message with one emoji, twice if need be, and takes nothing else for one', () =>
    inWorld(make, async (world) => {
      const { reactions } = world.channel
      if (!reactions || !world.reactions) {
        console.log(`channel contract: ${world.channel.name} has no reactions`)
        return expect(world.reactions).toBeUndefined()
      }
      const receiver = listen(world)
      await world.say('thank you')
      const { address, platformMessageId } = await receiver.next('thank you')
      const [emoji = ''] = reactions.examples
      for (const wrong of ['', 'ok', '<b>', `${emoji}${emoji}`, '\u202e', '👍'.repeat(50)])
        expect(reactions.takes(wrong), wrong).toBe(false)
      for (const one of reactions.examples) expect(reactions.takes(one), one).toBe(true)
      const { signal } = new AbortController()
      for (const _ of [1, 2]) await reactions.react(address, platformMessageId, emoji, signal)
      expect((await world.reactions()).at(-1)).toContain(emoji)
      await receiver.stop()
    }))

  it('begins a text that is too long for it, and takes others whole', () =>
    inWorld(make, async (world) => {
      const { channel } = world
      const long = '**bold** [link](https://e.org/) `code`\n```ts\nline\n```\n\n'.repeat(3_000)
      for (const text of ['', 'short', 'word '.repeat(800)])
        expect(channel.beginningOf?.(text) ?? null).toBe(null)
      const part = channel.beginningOf?.(long) ?? null
      if (part === null) return expect(channel.render(long)).toHaveLength(1)
      await sendParts(world, [part], 'long')
      const [shown = ''] = await world.shown(world.address)
      expect(shown).toContain('bold')
      for (const hostile of HOSTILE_TEXTS) channel.beginningOf?.(hostile.repeat(500))
    }))

  it('shows links as buttons or in words, and reads its own parts', () =>
    inWorld(make, async (world) => {
      const { channel } = world
      const links = [{ label: 'The map', url: 'https://example.org/map?x=1' }]
      const words = channel.render('see [The map](<https://example.org/map?x=1>)')
      const parts = channel.renderLinks?.('A **card**', links) ?? words
      await sendParts(world, parts, 'card')
      expect((await world.shown(world.address)).length).toBe(1)
      if (channel.renderLinks) expect(await world.buttons?.(world.address)).toEqual(['The map'])
      const [part = ''] = parts
      expect(channel.textOf?.(part) ?? part).toMatch(/card|The map/)
      for (const foreign of ['', '{}', '\u001efile:x', '\u001echoices:{']) channel.textOf?.(foreign)
    }))
}
