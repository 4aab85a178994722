import { describe, expect, test } from 'vitest'
import { GARDEN, HostTables, KITCHEN } from '../../../test/rig/host-tables.ts'
import { denyRule, egressRule } from '../../domain/egress-rules.ts'
import type { UnixMs } from '../../domain/ids.ts'
import {
  MAX_OWNER_RULES,
  type NewOwnerRule,
  ONCE_MS,
  ONCE_UNUSED_MS,
} from '../../domain/ports/egress-rules.ts'
import { SqliteEgressRules } from './egress-rule-store.ts'

const DAY = 86_400_000

class RuleWorld extends HostTables {
  readonly rules = new SqliteEgressRules(this.db)

  allow(raw: unknown, more: Partial<NewOwnerRule> = {}): number {
    const base = { group: GARDEN, effect: 'allow', once: false, by: 'telegram:1', expiresAt: null } as const
    return this.rules.add({ ...base, rule: egressRule(raw), ...more }, this.clock.now())
  }

  /** Numbers of what counts for the group. */
  inForce(group = GARDEN): number[] {
    return this.rules.inForce(group, this.clock.now()).map(({ id }) => id)
  }

  pass(ms: number): void {
    this.clock.set(this.clock.now() + ms)
  }
}

test('a rule is kept as it was given, for its group alone or for all', () => {
  using world = new RuleWorld()
  const raw = { host: 'example.com', ports: [80, 443], methods: ['GET'], paths: ['/a'], private: true }
  const own = world.allow(raw)
  const everyones = world.allow('*.example.org', { group: null, effect: 'deny' })
  expect(world.rules.inForce(GARDEN, world.clock.now())[0]).toEqual({
    ...{ id: own, group: GARDEN, effect: 'allow', rule: egressRule(raw), once: false, by: 'telegram:1' },
    ...{ at: world.clock.now(), expiresAt: null, firstUsedAt: null },
  })
  expect(world.inForce()).toEqual([own, everyones])
  expect(world.inForce(KITCHEN)).toEqual([everyones])
  expect(world.rules.all().map(({ group }) => group)).toEqual([GARDEN, null])
  expect(new SqliteEgressRules(world.db).all()).toEqual(world.rules.all())
})

test('a rule ends when it should, is shown for a week more, and goes', () => {
  using world = new RuleWorld()
  const short = world.allow('example.com', { expiresAt: (world.clock.now() + 1_000) as UnixMs })
  world.pass(999)
  expect(world.inForce()).toEqual([short])
  world.pass(1)
  expect(world.inForce()).toEqual([])
  expect(world.rules.all()).toHaveLength(1)
  world.pass(7 * DAY + 1)
  const next = world.allow('other.example')
  expect(world.rules.all().map(({ id }) => id)).toEqual([next])
})

describe('once', () => {
  test('lasts ten minutes from the first use on, however often it is used', () => {
    using world = new RuleWorld()
    const id = world.allow('example.com', { once: true })
    world.pass(3_600_000)
    world.rules.used(id, world.clock.now())
    world.pass(ONCE_MS - 1)
    world.rules.used(id, world.clock.now())
    expect(world.inForce()).toEqual([id])
    world.pass(1)
    expect(world.inForce()).toEqual([])
  })

  test('ends in a day when it is not used, and no later than it was meant to', () => {
    using world = new RuleWorld()
    const end = (world.clock.now() + 1_000) as UnixMs
    const [unused, short] = [
      world.allow('a.example', { once: true }),
      world.allow('b.example', { once: true, expiresAt: end }),
    ]
    world.rules.used(short, world.clock.now())
    expect(world.inForce()).toEqual([unused, short])
    world.pass(1_000)
    expect(world.inForce()).toEqual([unused])
    world.pass(ONCE_UNUSED_MS)
    expect(world.inForce()).toEqual([])
  })

  test('takes nothing away from what was given for longer', () => {
    using world = new RuleWorld()
    const id = world.allow('example.com')
    expect(world.allow('example.com', { once: true })).toBe(id)
    expect(world.rules.all()).toMatchObject([{ id, once: false, expiresAt: null }])
    world.allow('b.example', { expiresAt: (world.clock.now() + 1_000) as UnixMs })
    const longer = world.allow('b.example', { once: true })
    expect(world.inForce()).toEqual([id, longer])
  })

  test('a use changes nothing about rules that last', () => {
    using world = new RuleWorld()
    const id = world.allow('example.com')
    world.rules.used(id, world.clock.now())
    expect(world.rules.all()[0]).toMatchObject({ expiresAt: null, firstUsedAt: null })
  })
})

describe('a new rule takes the place of', () => {
  test('the same one, and as the owner says it of what said the contrary', () => {
    using world = new RuleWorld()
    const said = (raw: string, effect: 'allow' | 'deny') => {
      const rule = effect === 'deny' ? denyRule(raw) : egressRule(raw)
      const given = { group: GARDEN, effect, rule, once: false, by: 'command line', expiresAt: null }
      return world.rules.overrule(given, world.clock.now())
    }
    world.allow('example.com')
    const denied = said('example.com', 'deny')
    expect(world.inForce()).toEqual([denied])
    // What was given by somebody's answer takes no denial back.
    const answered = world.allow('example.com')
    expect(world.inForce()).toEqual([denied, answered])
    const again = said('example.com', 'allow')
    expect(world.rules.all()).toMatchObject([{ id: again, effect: 'allow', by: 'command line' }])
  })

  test('nothing that is about another host, port, path or group', () => {
    using world = new RuleWorld()
    const kept = [
      world.allow('example.com:8443'),
      world.allow('www.example.com'),
      world.allow('example.com/a'),
    ]
    kept.push(world.allow('example.com', { group: KITCHEN }), world.allow('example.com', { group: null }))
    kept.push(world.allow('example.com'))
    expect(world.rules.all().map(({ id }) => id)).toEqual(kept)
  })
})

test('a rule is taken back by its number, which is never given again', () => {
  using world = new RuleWorld()
  const id = world.allow('example.com')
  expect(world.rules.remove(id)).toBe(true)
  expect(world.rules.remove(id)).toBe(false)
  expect(world.allow('example.com')).toBe(id + 1)
})

test('there is a bound per group, and the same rule again is within it', () => {
  using world = new RuleWorld()
  for (let n = 0; n < MAX_OWNER_RULES; n += 1) world.allow(`h${n}.example`)
  expect(() => world.allow('more.example')).toThrow(/200 rules for garden already/)
  world.allow('h0.example')
  world.allow('more.example', { group: KITCHEN })
  expect(world.rules.all()).toHaveLength(MAX_OWNER_RULES + 1)
})
