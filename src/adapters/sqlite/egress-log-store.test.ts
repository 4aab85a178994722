import { expect, test } from 'vitest'
import { GARDEN, HostTables, KITCHEN } from '../../../test/rig/host-tables.ts'
import type { UnixMs } from '../../domain/ids.ts'
import type { EgressLine, EgressTotal } from '../../domain/ports/egress-log.ts'
import { SqliteEgressLog } from './egress-log-store.ts'

const HOUR = 3_600_000
const AT = (1_700_000_000_000 - (1_700_000_000_000 % HOUR)) as UnixMs

function line(more: Partial<EgressLine> = {}): EgressLine {
  return {
    ...{
      group: GARDEN,
      at: AT,
      host: 'example.com',
      port: 443,
      method: 'GET',
      path: '/a',
      outcome: 'allowed',
    },
    ...{ status: 200, reason: null, bytesOut: 10, bytesIn: 100, ms: 5, count: 1 },
    ...more,
  }
}

function total(more: Partial<EgressTotal> = {}): EgressTotal {
  const host = 'example.com'
  return {
    ...{ group: GARDEN, hour: AT, host, outcome: 'allowed', count: 1, bytesOut: 10, bytesIn: 100 },
    ...more,
  }
}

test('lines come back newest first, by group, outcome and time', () => {
  using world = new HostTables()
  const log = new SqliteEgressLog(world.db)
  const denied = line({ outcome: 'denied', status: null, reason: 'no rule', at: (AT + 1) as UnixMs })
  const other = line({ group: KITCHEN, at: (AT + 2) as UnixMs, count: 7 })
  log.write([line(), denied, other], [])
  expect(log.lines({}, 10)).toEqual([other, denied, line()])
  expect(log.lines({ group: GARDEN }, 1)).toEqual([denied])
  expect(log.lines({ outcome: 'denied' }, 10)).toEqual([denied])
  expect(log.lines({ since: (AT + 2) as UnixMs }, 10)).toEqual([other])
})

test('of each group the newest lines stay; its sums stay whole', () => {
  using world = new HostTables()
  const log = new SqliteEgressLog(world.db, 10)
  log.write([line({ group: KITCHEN })], [])
  for (let n = 0; n < 30; n += 1) log.write([line({ path: `/${n}` })], [total()])
  expect(log.lines({ group: GARDEN }, 100).map(({ path }) => path)).toEqual(
    Array.from({ length: 10 }, (_, n) => `/${29 - n}`),
  )
  expect(log.lines({ group: KITCHEN }, 100)).toHaveLength(1)
  expect(log.totals({}, 10)).toEqual([total({ count: 30, bytesOut: 300, bytesIn: 3_000 })])
})

test('sums are of hours, hosts and outcomes; names without end become one', () => {
  using world = new HostTables()
  const log = new SqliteEgressLog(world.db)
  const later = (AT + HOUR) as UnixMs
  log.write(
    [],
    [total(), total({ hour: later, bytesIn: 1_000 }), total({ outcome: 'denied', bytesOut: 0, bytesIn: 0 })],
  )
  for (let n = 0; n < 200; n += 1)
    log.write([], [total({ host: `h${n}.example`, outcome: 'denied', bytesIn: 0, bytesOut: 0 })])
  log.write([], [total({ bytesIn: 1 })])
  const totals = log.totals({}, 1_000)
  expect(totals[0]).toEqual(total({ hour: later, count: 3, bytesOut: 30, bytesIn: 1_101 }))
  expect(totals.filter(({ host }) => host === '…')).toMatchObject([{ count: 151 }])
  expect(totals).toHaveLength(1 + 49 + 1 + 1)
  expect(log.totals({ since: (later + HOUR) as UnixMs }, 10)).toMatchObject([{ hour: later, count: 1 }])
  expect(log.totals({ group: KITCHEN }, 10)).toEqual([])
})

test('what is old is forgotten a little at a time', () => {
  using world = new HostTables()
  const log = new SqliteEgressLog(world.db)
  const young = (AT + 10 * HOUR) as UnixMs
  const old = Array.from({ length: 5 }, (_, n) => line({ path: `/${n}` }))
  log.write([...old, line({ at: young })], [total(), total({ host: 'b.example' }), total({ hour: young })])
  expect([log.forget(young, 3), log.forget(young, 3), log.forget(young, 3), log.forget(young, 3)]).toEqual([
    3, 3, 1, 0,
  ])
  expect(log.lines({}, 10)).toEqual([line({ at: young })])
  expect(log.totals({}, 10)).toEqual([total({ hour: young })])
})
