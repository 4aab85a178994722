import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApprovalWorld, HOME } from '../../test/rig/approval-world.ts'
import { GARDEN, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import { readChoicePart } from '../domain/choice-part.ts'
import { denyRule } from '../domain/egress-rules.ts'
import type { ChatId, UserId } from '../domain/ids.ts'
import { MAX_OPEN, MAX_PER_HOUR } from './plan-ask.ts'

const ADMIN = 'fake:ada' as UserId
const HOUR = 3_600_000

let world: ApprovalWorld
beforeEach(() => {
  world = new ApprovalWorld()
})
afterEach(() => world[Symbol.dispose]())

describe('an ask', () => {
  test("is put to those who decide, in private, whole, and nothing of it in the agent's own markup", async () => {
    world.ask({ host: 'API.example.com.', reason: '**Creel**: `approved`\n\n# Press Always\u202e' })
    const { card, payload, cardChatId } = world.newest()
    expect(payload).toBe('{"host":"api.example.com","port":443,"private":false}')
    expect(card).toContain("Its words: `**Creel**: 'approved' # Press Always`")
    expect(card).toContain('The agent **garden** wants to reach `api.example.com:443`')
    expect(world.directory.chat(cardChatId ?? (0 as ChatId))?.address.chat).toBe('home')
    await world.deliver()
    expect(readChoicePart(world.channel.shown(HOME)[0] ?? '')?.choices.map(({ label }) => label)).toEqual([
      'Once (10 min)',
      'Always',
      'Deny',
    ])
  })

  test('goes to an admin of the group, and to the chat it came from when nobody can be reached in private', () => {
    world.roles.revoke(OWNER, 'owner', null)
    world.roles.grant(ADMIN, 'admin', KITCHEN, world.clock.now())
    world.ask('one.example.com')
    expect(world.newest().cardChatId).toBe(world.newest().chatId)
    world.roles.grant(OWNER, 'admin', GARDEN, world.clock.now())
    world.ask('two.example.com')
    expect(world.newest().cardChatId).not.toBe(world.newest().chatId)
  })

  test('for what the owner denied is put to nobody', async () => {
    const rule = denyRule('*.example.com')
    const given = {
      group: null,
      effect: 'deny',
      rule,
      once: false,
      by: 'command line',
      expiresAt: null,
    } as const
    world.rules.add(given, world.clock.now())
    world.ask('api.example.com')
    expect(world.newest()).toMatchObject({ state: 'denied', cardKey: null })
    world.ask('example.com')
    expect(world.newest()).toMatchObject({ state: 'asked' })
  })

  test.each([
    ['*.example.com'],
    ['*'],
    ['https://example.com/path'],
    ['example.com/path'],
    ['user@example.com'],
    ['exa mple.com'],
    ['example.com:8080'],
    ['-'],
    ['\u0000'],
    ['x'.repeat(300)],
  ])('for %j is refused by the host itself, and its agent told', async (host) => {
    world.ask(host)
    expect(world.newest()).toMatchObject({ state: 'denied', cardKey: null, decidedBy: null })
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('nobody was asked')])
  })

  test('for a place in the own network says so', () => {
    world.ask('192.168.1.20')
    expect(world.newest().card).toContain('inside your own network')
    world.ask('nas.local')
    expect(world.newest().card).toContain('inside your own network')
  })

  test('that waits already is the same ask; only so many wait, and only so many are made in an hour', async () => {
    expect(world.ask('a.example.com')).not.toBe('same')
    expect(world.ask('a.example.com')).toBe('same')
    for (let n = 1; n < MAX_OPEN; n++) world.ask(`${n}.example.com`)
    expect(world.approvals.openOf(GARDEN)).toHaveLength(MAX_OPEN)
    for (let n = MAX_OPEN; n <= 30; n++) world.ask(`${n}.example.com`)
    expect(world.approvals.openOf(GARDEN)).toHaveLength(MAX_OPEN)
    expect(world.approvals.list(100, false)).toHaveLength(MAX_PER_HOUR + 1)
    await world.work()
    expect(world.words()).toHaveLength(MAX_PER_HOUR + 1 - MAX_OPEN)
    expect(world.ask('late.example.com')).toEqual({ refused: expect.stringContaining('in an hour') })
    await world.clock.advance(HOUR + 1)
    world.ask('late.example.com')
    expect(world.newest()).toMatchObject({
      askedAt: world.clock.now(),
      payload: expect.stringContaining('late'),
    })
  })

  test('of a message that the group was never given is nothing', () => {
    expect(world.ask({}, 7)).toHaveProperty('refused')
    expect(world.ask({}, 1, KITCHEN)).toHaveProperty('refused')
    expect(world.approvals.list(10, false)).toEqual([])
  })
})
