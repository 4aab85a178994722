import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApprovalWorld, HOME, ROOM } from '../../test/rig/approval-world.ts'
import { GARDEN, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import { SqliteGroupTraces } from '../adapters/sqlite/group-traces.ts'
import { SqliteRetention } from '../adapters/sqlite/retention.ts'
import { ChannelRefusedError, ChannelUnreachableError, CreelError } from '../domain/errors.ts'
import type { ChatId, UserId } from '../domain/ids.ts'

const ADMIN = 'fake:ada' as UserId
const HOUR = 3_600_000

let world: ApprovalWorld
const homeChat = () => world.inbound.chatOf(HOME) ?? (0 as ChatId)
beforeEach(() => {
  world = new ApprovalWorld()
})
afterEach(() => world[Symbol.dispose]())

describe('a decision', () => {
  beforeEach(async () => {
    world.ask()
    await world.deliver()
  })

  test.each([
    ['', 'api.example.com:443 once'],
    ['once', 'api.example.com:443 once'],
    ['always', 'api.example.com:443'],
  ])(
    '"%s" of the owner is carried out as shown, told to the agent and shown on the card',
    async (choice, rule) => {
      expect(world.says(world.approve(choice))).toBe(true)
      expect(world.newest()).toMatchObject({ state: 'allowed', decidedBy: OWNER })
      expect(world.allowed()).toEqual([])
      await world.work()
      expect(world.allowed()).toEqual([rule])
      expect(world.newest()).toMatchObject({ state: 'done', told: true, cardSettled: true })
      expect(world.words()).toEqual([expect.stringContaining('it was allowed by')])
      expect(world.channel.shown(HOME)[0]).toContain('Allowed by')
      await world.work()
      expect(world.words()).toHaveLength(1)
    },
  )

  test('of an admin of the group counts, of an admin of another one, a member or a denied owner does not', () => {
    const { id } = world.newest()
    world.roles.grant(ADMIN, 'admin', KITCHEN, world.clock.now())
    expect(world.says(world.approve(), ADMIN)).toBe(true)
    expect(world.says(world.approve(), 'fake:alice' as UserId, ROOM)).toBe(true)
    world.roles.grant(OWNER, 'denied', GARDEN, world.clock.now())
    expect(world.says(world.approve())).toBe(true)
    expect(world.approvals.find(id)?.state).toBe('asked')
    world.roles.grant(ADMIN, 'admin', GARDEN, world.clock.now())
    world.says(world.approve('always'), ADMIN)
    expect(world.approvals.find(id)).toMatchObject({ state: 'allowed', choice: 'always', decidedBy: ADMIN })
  })

  test('that gives something at the start of a sandbox is told when no older one runs, and shown before', async () => {
    Object.assign(world.kinds.egress, { renews: true })
    world.renewed = false
    world.says(world.approve())
    await world.work()
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'done', told: false, cardSettled: true })
    await world.clock.advance(9 * 60_000)
    await world.work()
    expect(world.words()).toEqual([])
    await world.clock.advance(2 * 60_000)
    await world.work()
    expect(world.words()).toHaveLength(1)
  })

  test('of somebody who may not is answered once, however often they press', () => {
    const alice = world.newest().chatId
    for (let n = 0; n < 5; n++) world.says(world.approve(), 'fake:alice' as UserId, ROOM)
    expect(world.said(alice).filter((part) => part.includes('Only an owner'))).toHaveLength(1)
  })

  test('of a stranger who guesses is an ordinary message', () => {
    const elsewhere = { address: { ...HOME, chat: 'elsewhere' } }
    expect(world.says(world.approve(), 'fake:mallory' as UserId, elsewhere)).toBe(false)
    expect(world.says('/approve 00000-00000', 'fake:mallory' as UserId, elsewhere)).toBe(false)
    expect(world.newest().state).toBe('asked')
  })

  test('that comes again, or after another, changes nothing', async () => {
    world.says(`/reject ${world.newest().code}`)
    await world.work()
    world.says(world.approve('always'))
    world.says(`/reject ${world.newest().code}`)
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'denied' })
    expect(world.allowed()).toEqual([])
    expect(world.words()).toHaveLength(1)
  })

  test('that comes too late changes nothing, before and after the end was written down', async () => {
    await world.clock.advance(24 * HOUR)
    world.says(world.approve())
    expect(world.newest().state).toBe('asked')
    await world.work()
    expect(world.newest().state).toBe('expired')
    expect(world.words()).toEqual([expect.stringContaining('counts as a no')])
    expect(world.channel.shown(HOME)[0]).toContain('Nobody decided in time')
    world.says(world.approve())
    await world.work()
    expect(world.allowed()).toEqual([])
  })

  test.each([
    ['before', "UPDATE approval SET payload = replace(payload, 'api.', 'evil.')"],
    ['with its hash', "UPDATE approval SET payload = replace(payload, 'api.', 'evil.'), payload_hash = 'x'"],
    ['in what is shown', "UPDATE approval SET card = replace(card, 'api.', 'evil.')"],
    ['in whose it is', "UPDATE approval SET group_name = 'kitchen'"],
  ])('about what was changed %s is refused', async (_, sql) => {
    world.db.exec(sql)
    world.says(world.approve('always'))
    expect(world.newest()).toMatchObject({ state: 'failed', outcome: expect.stringContaining('changed') })
    await world.work()
    expect(world.rules.all()).toEqual([])
  })

  test('about what was changed after it is not carried out', async () => {
    world.says(world.approve('always'))
    world.db.exec("UPDATE approval SET payload = replace(payload, 'api.', 'evil.')")
    await world.work()
    expect(world.rules.all()).toEqual([])
    expect(world.newest().state).toBe('failed')
    expect(world.words()).toEqual([expect.stringContaining('not carried out')])
  })

  test('with a choice that was not offered is asked for again', () => {
    world.says(world.approve('forever'))
    world.says(world.approve('deny'))
    expect(world.newest().state).toBe('asked')
  })

  test('for an agent that is gone fails', async () => {
    world.says(world.approve())
    world.gone.add(GARDEN)
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'failed', outcome: 'there is no agent garden any more' })
  })

  test.each(['before', 'after'])(
    'of an agent that is removed %s it is not carried out for another one of its name',
    async (when) => {
      const traces = new SqliteGroupTraces(world.db)
      if (when === 'before') traces.forget(GARDEN, world.clock.now())
      world.says(world.approve('always'))
      if (when === 'after') traces.forget(GARDEN, world.clock.now())
      await world.work()
      expect(world.allowed()).toEqual([])
      expect(world.newest()).toMatchObject({ state: 'failed', outcome: 'the agent was removed' })
      expect(world.channel.shown(HOME)[0]).toContain('the agent was removed')
    },
  )

  test('is carried out again after a kill in the middle, with the same end', async () => {
    world.says(world.approve('always'))
    world.kinds.egress.carryOut(world.newest())
    await world.work()
    expect(world.allowed()).toEqual(['api.example.com:443'])
    world.db.exec('UPDATE approval SET told = 0')
    await world.work()
    expect(world.words()).toHaveLength(1)
  })

  test('at the command line counts the same', async () => {
    const { id } = world.newest()
    const by = 'operator:cli' as UserId
    expect(() => world.decisions.byOperator(id, { by, words: 'forever', reject: false })).toThrow(CreelError)
    expect(world.decisions.byOperator(id, { by, words: '', reject: false }).state).toBe('allowed')
    expect(() => world.decisions.byOperator(id, { by, words: '', reject: true })).toThrow('decided already')
    expect(() => world.decisions.byOperator(999, { by, words: '', reject: true })).toThrow('no approval 999')
  })

  test("is told to nobody when the chat is not the agent's any more", async () => {
    world.says(world.approve())
    world.directory.unbind(world.newest().chatId, null)
    await world.work()
    expect(world.newest().told).toBe(true)
    expect(world.words()).toEqual([])
  })

  test('stands though its card cannot be changed', async () => {
    world.channel.cards?.script.push(new ChannelRefusedError('gone'))
    world.says(world.approve())
    await world.work()
    expect(world.newest()).toMatchObject({ state: 'done', cardSettled: true })
  })

  test('is asked for in the chat it came from when the card reaches nobody in private', async () => {
    world.ask('second.example.com')
    const { id, chatId } = world.newest()
    for (let row = world.deliveries.next(homeChat()); row; row = world.deliveries.next(homeChat()))
      world.deliveries.failed(row.id, 'blocked')
    await world.work()
    await world.work()
    expect(world.approvals.find(id)).toMatchObject({ state: 'asked', cardChatId: chatId })
    await world.deliver()
    expect(world.said(chatId).filter((part) => part.includes('second.example.com'))).toHaveLength(1)
    world.says(world.approve())
    await world.work()
    expect(world.channel.shown(ROOM.address).join()).toContain('Allowed by')
  })

  test('is forgotten in time once it is over, and not before', async () => {
    const kept = new SqliteRetention(world.db)
    await world.clock.advance(2 * HOUR)
    kept.messages(world.clock.now(), 100)
    expect(world.approvals.list(10, false)).toHaveLength(1)
    world.says(world.approve())
    await world.work()
    kept.messages(world.clock.now(), 100)
    expect(world.approvals.list(10, false)).toEqual([])
  })

  test('shows on its card when the platform is back', async () => {
    world.channel.cards?.script.push(new ChannelUnreachableError('down', { ambiguous: false }))
    world.says(world.approve())
    await expect(world.work()).rejects.toThrow('down')
    expect(world.words()).toHaveLength(1)
    await world.work()
    expect(world.channel.shown(HOME)[0]).toContain('Allowed by')
  })
})
