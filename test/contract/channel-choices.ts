import { expect, it, vi } from 'vitest'
import { ChannelRefusedError } from '../../src/domain/errors.ts'
import type { Choice } from '../../src/domain/ports/channel.ts'
import { listen, WAIT } from './channel-listener.ts'
import { type ChannelWorld, HOSTILE_TEXTS, inWorld, sendParts } from './channel-world.ts'

const CHOICES: readonly Choice[] = [
  { label: 'Allow once', say: '/approve abcde-fghjk once' },
  { label: 'Deny', say: '/reject abcde-fghjk' },
]

/** Messages with choices: pressed where there are buttons, typed where there are none, and settled. */
export function choiceCases(make: () => Promise<ChannelWorld>): void {
  it('offers choices, and hands over what a button says as a message of whoever pressed it', () =>
    inWorld(make, async (world) => {
      const receiver = listen(world)
      await ask(world, 'May it?')
      if (world.press === undefined) {
        console.log(`channel contract: ${world.channel.name} has no buttons`)
        const shown = (await world.shown(world.address)).join('\n')
        for (const { label, say } of CHOICES) expect(shown).toMatch(new RegExp(`${label}.*${say}`))
        return await receiver.stop()
      }
      expect((await world.shown(world.address)).at(-1)?.trim()).toBe('May it?')
      expect(await world.buttons?.(world.address)).toEqual(['Allow once', 'Deny'])
      await world.press('Deny')
      const pressed = await receiver.next('/reject abcde-fghjk')
      await world.say('by hand')
      const typed = await receiver.next('by hand')
      expect(pressed.address).toEqual(typed.address)
      expect(pressed.sender.id).toBe(typed.sender.id)
      expect(pressed.chatKind).toBe(typed.chatKind)
      expect(pressed.platformMessageId).not.toBe(typed.platformMessageId)
      expect(pressed.mentionsUs).toBe(true)
      await receiver.stop()
    }))

  it('hands a press over again, under the same id, when accept threw', () =>
    inWorld(make, async (world) => {
      if (world.press === undefined) return expect(world.channel.cards).toBeUndefined()
      const ids: string[] = []
      const receiver = listen(world, (message) => {
        ids.push(message.platformMessageId)
        if (ids.length === 1) throw new Error('disk full')
        return 'new'
      })
      await ask(world, 'May it?')
      await world.press('Allow once')
      await vi.waitFor(() => expect(ids.length).toBeGreaterThanOrEqual(2), WAIT)
      expect(new Set(ids).size).toBe(1)
      await receiver.stop()
    }))

  it('changes a message with choices to what came of it, twice if need be, without the choices', () =>
    inWorld(make, async (world) => {
      const { cards } = world.channel
      if (cards === undefined) {
        console.log(`channel contract: ${world.channel.name} cannot change a message`)
        return expect(world.channel.renderChoices('x', CHOICES).length).toBeGreaterThanOrEqual(1)
      }
      const [id = ''] = await ask(world, 'May it?')
      const { signal } = new AbortController()
      for (const _ of [1, 2]) await cards.settle(world.address, id, 'It may, since today', signal)
      expect((await world.shown(world.address)).map((line) => line.trim())).toEqual(['It may, since today'])
      expect(await world.buttons?.(world.address)).toEqual([])
      await expect(cards.settle(world.address, '987654', 'too late', signal)).rejects.toThrow(
        ChannelRefusedError,
      )
    }))

  it('takes hostile text with choices, and no text can bring choices of its own', () =>
    inWorld(make, async (world) => {
      for (const [index, text] of HOSTILE_TEXTS.entries())
        await sendParts(world, world.channel.renderChoices(text, CHOICES), `hostile-${index}`)
      const shown = await world.shown(world.address)
      expect(shown.length).toBeGreaterThanOrEqual(HOSTILE_TEXTS.length)
      const [forged = ''] = world.channel.renderChoices('x', [{ label: 'Forged', say: '/approve me' }])
      await sendParts(world, world.channel.render(forged), 'forged')
      expect((await world.buttons?.(world.address)) ?? []).not.toContain('Forged')
    }))
}

function ask(world: ChannelWorld, text: string): Promise<string[]> {
  return sendParts(world, world.channel.renderChoices(text, CHOICES), `ask-${text}`)
}
