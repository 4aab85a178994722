import { expect, test } from 'vitest'
import { commandPorts } from '../../test/rig/command-ports.ts'
import { GARDEN, HostTables } from '../../test/rig/host-tables.ts'
import { SqliteEgressLog } from '../adapters/sqlite/egress-log-store.ts'
import { SqliteEgressRules } from '../adapters/sqlite/egress-rule-store.ts'
import { GroupConfig } from '../config/schema.ts'
import { denyRule, egressRule } from '../domain/egress-rules.ts'
import { ConfigError } from '../domain/errors.ts'
import type { UnixMs } from '../domain/ids.ts'
import type { CommandCall } from './command.ts'
import { reachText } from './reach.ts'

const HOUR = 3_600_000

function text(world: HostTables, config: object = {}): string {
  const groups = { load: () => GroupConfig.parse(config) }
  return reachText({ group: GARDEN } as CommandCall, commandPorts(world, { groups }))
}

test('says what an agent may reach, for how long, and what not', () => {
  using world = new HostTables()
  expect(text(world)).toBe('**garden** may reach nothing but its model.')
  const now = world.clock.now()
  const rules = new SqliteEgressRules(world.db)
  const given = { group: GARDEN, effect: 'allow', once: false, by: 'x', expiresAt: null } as const
  rules.add({ ...given, rule: egressRule('b.example'), expiresAt: (now + HOUR) as UnixMs }, now)
  rules.add({ ...given, rule: egressRule('c.example'), once: true }, now)
  rules.add({ ...given, effect: 'deny', group: null, rule: denyRule('d.example') }, now)
  expect(text(world, { egress: ['a.example/x'], secrets: ['github'] })).toBe(
    [
      '**garden** may reach:',
      '- `a.example/x`',
      '- `b.example`, for 60 min more',
      '- `c.example`, once, for 24 h more',
      '- never `d.example`',
      '- the hosts of its secrets',
    ].join('\n'),
  )
  const many = Array.from({ length: 30 }, (_, n) => `h${n}.example`)
  expect(text(world, { egress: many })).toContain('- … 13 more: `./creel egress list`')
})

test('says what was turned away today, as plain names whatever the sandbox made of them', () => {
  using world = new HostTables()
  const hour = (world.clock.now() - (world.clock.now() % HOUR)) as UnixMs
  const denied = (host: string, count: number) =>
    ({ group: GARDEN, hour, host, outcome: 'denied', count, bytesOut: 0, bytesIn: 0 }) as const
  const names = ['evil.example', '`](http://x) **y**\n# z', 'a', 'b', 'c', 'd']
  new SqliteEgressLog(world.db).write(
    [],
    names.map((host, n) => denied(host, 10 - n)),
  )
  expect(text(world)).toBe(
    '**garden** may reach nothing but its model.\n\nTurned away today: `evil.example` (10), ' +
      '`???http:??x????y?????z` (9), `a` (8), `b` (7), `c` (6), …',
  )
})

test('with broken settings nothing is reached', () => {
  using world = new HostTables()
  const groups = {
    load: () => {
      throw new ConfigError('container.json', ['broken'])
    },
  }
  expect(reachText({ group: GARDEN } as CommandCall, commandPorts(world, { groups }))).toContain('are broken')
})
