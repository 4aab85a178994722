import { expect, test } from 'vitest'
import { GARDEN, HostTables } from '../test/rig/host-tables.ts'
import { SqliteEgressLog } from './adapters/sqlite/egress-log-store.ts'
import { SqliteRetention } from './adapters/sqlite/retention.ts'
import { forgetSome } from './retention.ts'

const DAY = 86_400_000
const days = { messages_days: 30, deliveries_days: 10, own_chat_days: 0, egress_days: 30 }

class OldWorld extends HostTables {
  forget(kept = days): void {
    const store = new SqliteRetention(this.db)
    const egressLog = new SqliteEgressLog(this.db)
    for (let n = 0; forgetSome({ store, egressLog, clock: this.clock, days: kept }) !== 'idle'; n += 1)
      expect(n).toBeLessThan(20)
  }

  count(table: string): number {
    return Number(this.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get())
  }

  send(key: string, failed?: string): void {
    const item = { chatId: this.room(), thread: undefined, part: 'x', key, group: GARDEN }
    this.deliveries.add([{ ...item, ...(failed ? { failed } : {}) }], this.clock.now())
  }
}

test('forgets what is old and settled, and never what is not', () => {
  using world = new OldWorld()
  for (let seq = 1; seq <= 500; seq += 1) world.place(GARDEN, seq)
  for (let seq = 1; seq <= 500; seq += 1) if (seq !== 7) world.settle(GARDEN, seq)
  world.receive('not routed yet')
  world.send('old', 'gone')
  world.send('waits')
  world.forget()
  expect(world.count('inbound')).toBe(501)
  world.clock.set(world.clock.now() + 31 * DAY)
  world.send('young', 'gone')
  world.receive('young')
  world.forget()
  expect(world.db.prepare('SELECT text FROM inbound ORDER BY id').pluck().all()).toEqual([
    'message 7',
    'not routed yet',
    'young',
  ])
  expect(world.count('dispatch')).toBe(1)
  expect(world.outgoing().map(({ key }) => key)).toEqual(['waits', 'young'])
  expect(world.db.pragma('foreign_key_check')).toEqual([])
})

test('strangers that nobody decided about do not keep the rest from being forgotten', () => {
  using world = new OldWorld()
  for (let n = 1; n <= 2_100; n += 1) {
    const { id } = world.receive(`let me in ${n}`)
    world.inbound.routed(id, 'held', 'unknown sender', [], world.clock.now())
  }
  world.place(GARDEN, 1)
  world.settle(GARDEN, 1)
  world.clock.set(world.clock.now() + 31 * DAY)
  world.forget()
  expect(world.count('inbound')).toBe(0)
})

test('keeps for ever what has no limit', () => {
  using world = new OldWorld()
  world.send('old', 'gone')
  world.clock.set(world.clock.now() + 4_000 * DAY)
  world.forget({ ...days, deliveries_days: 0 })
  expect(world.outgoing()).toHaveLength(1)
})
