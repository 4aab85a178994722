import { describe, expect, test } from 'vitest'
import { AdmissionWorld } from '../../test/rig/admission-world.ts'
import { GARDEN } from '../../test/rig/host-tables.ts'
import type { GroupName, UserId } from '../domain/ids.ts'
import { PAIRING_MS, WRONG_OF_ALL, WRONG_OF_SENDER } from '../domain/ports/pairing.ts'
import { typedCode } from './pairing.ts'

const BOT = { channel: 'fake', account: 'main' }
const SHED = 'shed' as GroupName

class PairingWorld extends AdmissionWorld {
  code(group: GroupName | null = null): string {
    return this.pairings.create(BOT, group, this.clock.now()).code
  }

  /** Somebody writes to the bot in their own private chat. */
  from(who: string, text: string): void {
    const address = { ...BOT, chat: `dm-${who}` }
    const sender = { id: `fake:${who}` as UserId, name: who, isBot: false }
    this.says(text, { sender, address, chatKind: 'private' })
  }

  isOwner(who: string): boolean {
    return this.roles.isOwner(`fake:${who}` as UserId)
  }

  state() {
    return this.pairings.state(BOT, this.clock.now())
  }
}

describe('a pairing code', () => {
  test('makes who sends it in a private chat an owner, whose chat is answered', () => {
    using world = new PairingWorld()
    world.from('ann', 'am I let in?')
    const code = world.code(SHED)
    expect(world.state()).toMatchObject({ state: 'waiting' })
    world.from('ann', code)
    expect(world.isOwner('ann')).toBe(true)
    expect(world.told('dm-ann').at(-1)).toContain('**shed** answers here')
    expect(world.given(SHED)).toEqual(['am I let in?'])
    expect(world.state()).toMatchObject({ state: 'paired', user: 'fake:ann' })
    // Whoever was an owner before hears of it; the code itself goes to no agent.
    expect(world.told('home').at(-1)).toContain('ann (`fake:ann`) is an owner now')
    expect(world.fate(code)).toEqual({ state: 'dropped', reason: 'a pairing code' })
  })

  test.each([
    ['by a link to the bot', (code: string) => `/start ${code.replace('-', '')}`],
    ['with a command, in small letters', (code: string) => ` /pair ${code.toLowerCase()} `],
  ])('may be typed %s', (_how, typed) => {
    using world = new PairingWorld()
    world.from('ann', typed(world.code()))
    expect(world.isOwner('ann')).toBe(true)
    expect(world.directory.allBindings().map(({ group }) => group)).toContain(GARDEN)
  })

  test('works once, for the one who was first; sent again it says the same', () => {
    using world = new PairingWorld()
    const code = world.code()
    world.from('ann', code)
    world.from('mallory', code)
    world.from('ann', code)
    expect(world.isOwner('mallory')).toBe(false)
    expect(world.told('dm-mallory')).toEqual([expect.stringContaining('not the code')])
    expect(world.state()).toMatchObject({ user: 'fake:ann' })
    expect(world.roles.all().filter(({ user }) => user === 'fake:ann')).toHaveLength(1)
  })

  test('is over after its time, and when a new one is made', () => {
    using world = new PairingWorld()
    const old = world.code()
    const code = world.code()
    world.from('ann', old)
    expect(world.isOwner('ann')).toBe(false)
    world.clock.set(world.clock.now() + PAIRING_MS)
    world.from('ann', code)
    expect(world.isOwner('ann')).toBe(false)
    expect(world.state()).toEqual({ state: 'expired' })
    expect(world.fate(code)).toMatchObject({ state: 'held' })
  })

  test('cannot be guessed: a sender has five tries, all together twenty', () => {
    using world = new PairingWorld()
    const code = world.code()
    for (let n = 0; n < WRONG_OF_SENDER + 3; n++) world.from('mallory', `AAAA-AAA${n}`)
    expect(world.told('dm-mallory')).toHaveLength(WRONG_OF_SENDER)
    world.from('mallory', code)
    expect(world.isOwner('mallory')).toBe(false)
    // The right one still works for another, until strangers have used up all tries.
    for (let n = WRONG_OF_SENDER; n < WRONG_OF_ALL; n++) world.from(`m${n}`, `/pair BBBBBBBB`)
    world.from('ann', code)
    expect(world.isOwner('ann')).toBe(false)
    expect(world.state()).toEqual({ state: 'void' })
  })

  test('that was shown in a group is void', () => {
    using world = new PairingWorld()
    const code = world.code()
    world.says(code)
    expect(world.told('room').at(-1)).toContain('void')
    world.from('mallory', code)
    expect(world.isOwner('mallory')).toBe(false)
  })

  test('is not taken from a bot, nor of another bot', () => {
    using world = new PairingWorld()
    const code = world.code()
    world.says(code, {
      chatKind: 'private',
      sender: { id: 'fake:robot' as UserId, name: 'Robot', isBot: true },
    })
    world.says(code, { chatKind: 'private', address: { channel: 'fake', account: 'second', chat: 'x' } })
    expect(world.state()).toMatchObject({ state: 'waiting' })
  })

  test('is an ordinary text where no code stands, or it looks like none', () => {
    using world = new PairingWorld()
    world.ownerSays('ABCD-2345')
    expect(world.given()).toContain('ABCD-2345')
    for (const text of ['tomatoes', 'my code is ABCD-2345', 'ABCD-23456', '/start', '/stop ABCD-2345'])
      expect(typedCode(text)).toBeNull()
  })
})
