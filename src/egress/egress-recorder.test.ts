import { expect, test } from 'vitest'
import { GARDEN, HostTables, KITCHEN } from '../../test/rig/host-tables.ts'
import { SqliteEgressLog } from '../adapters/sqlite/egress-log-store.ts'
import { GroupConfig } from '../config/schema.ts'
import type { UnixMs } from '../domain/ids.ts'
import type { EgressEntry } from '../domain/ports/egress.ts'
import { EgressBudget } from './egress-budget.ts'
import { EgressRecorder } from './egress-recorder.ts'

class RecorderWorld extends HostTables {
  readonly store = new SqliteEgressLog(this.db)
  readonly budget = new EgressBudget(this.store)
  readonly logged: Record<string, unknown>[] = []
  /** Written calls; throws while it is set. */
  broken = false
  writes = 0
  readonly recorder = new EgressRecorder({
    store: {
      write: (lines, totals) => {
        if (this.broken) throw new Error('disk full')
        this.writes += 1
        this.store.write(lines, totals)
      },
    },
    budget: this.budget,
    log: { warn: (fields: unknown) => void this.logged.push(fields as Record<string, unknown>) },
    clean: (text) => text.replaceAll('S3CRET', '***'),
  })

  note(more: Partial<EgressEntry> = {}): void {
    this.recorder.note({
      ...{ group: GARDEN, at: this.clock.now(), host: 'example.com', port: 443, method: 'GET', path: '/a' },
      ...{ outcome: 'allowed', status: 200, reason: null, bytesOut: 1, bytesIn: 10, ms: 5 },
      ...more,
    } as EgressEntry)
  }
}

test('writes in one go what came in between; like entries are one line', () => {
  using world = new RecorderWorld()
  world.recorder.write()
  expect(world.writes).toBe(0)
  for (let n = 0; n < 5; n += 1) world.note({ ms: n })
  world.note({ path: '/b' })
  world.note({ group: KITCHEN })
  expect(world.store.lines({}, 10)).toEqual([])
  world.recorder.write()
  world.recorder.write()
  expect(world.writes).toBe(1)
  expect(world.store.lines({ group: GARDEN }, 10)).toMatchObject([
    { path: '/b', count: 1 },
    { path: '/a', count: 5, bytesOut: 5, bytesIn: 50, ms: 4 },
  ])
  expect(world.store.totals({}, 10)).toMatchObject([
    { group: GARDEN, count: 6, bytesIn: 60 },
    { group: KITCHEN, count: 1 },
  ])
})

test('what lasts counts while it does, and once', () => {
  using world = new RecorderWorld()
  const config = GroupConfig.parse({ limits: { egress: { mb_per_hour: 2 } } })
  const take = () => world.budget.take(GARDEN, config, world.clock.now())
  const part = {
    group: GARDEN,
    at: world.clock.now(),
    host: 'example.com',
    port: 443,
    method: 'CONNECT',
    path: '',
  }
  world.recorder.passed({ ...part, bytesOut: 0, bytesIn: 1_000_000, ms: 10_000, isFirst: true })
  expect(take()).toBeNull()
  world.recorder.passed({ ...part, bytesOut: 0, bytesIn: 1_000_000, ms: 20_000, isFirst: false })
  expect(take()).toContain('used up')
  world.recorder.write()
  expect(world.store.lines({}, 10)).toMatchObject([{ reason: 'still open', bytesIn: 1_000_000 }])
  expect(world.store.totals({}, 10)).toMatchObject([{ count: 0, bytesIn: 2_000_000 }])
  world.note({
    method: 'CONNECT',
    path: '',
    bytesOut: 5,
    bytesIn: 2_000_007,
    told: { bytesOut: 0, bytesIn: 2_000_000 },
  })
  world.recorder.write()
  expect(world.store.lines({}, 1)).toMatchObject([{ reason: null, bytesIn: 2_000_007 }])
  expect(world.store.totals({}, 10)).toMatchObject([{ count: 1, bytesOut: 5, bytesIn: 2_000_007 }])
  const again = new EgressBudget(world.store)
  expect(again.take(GARDEN, config, world.clock.now())).toContain('used up')
})

test('a flood of one group is counted, not kept, and takes nothing from another', () => {
  using world = new RecorderWorld()
  world.note({ group: KITCHEN })
  for (let n = 0; n < 20_000; n += 1)
    world.note({ host: `h${n}.example`, path: `/${n}`, outcome: 'denied', reason: 'no rule', bytesIn: 0 })
  world.note({ path: '/real' })
  world.recorder.write()
  const lines = world.store.lines({ group: GARDEN }, 1_000)
  expect(lines.length).toBeLessThan(70)
  expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(20_001)
  expect(lines.filter(({ host }) => host === '…')).toMatchObject([{ outcome: 'allowed' }, { count: 19_940 }])
  const totals = world.store.totals({ group: GARDEN }, 1_000)
  expect(totals.length).toBeLessThan(70)
  expect(totals.reduce((sum, { count }) => sum + count, 0)).toBe(20_001)
  expect(world.store.lines({ group: KITCHEN }, 10)).toHaveLength(1)
  expect(world.logged.length).toBeLessThanOrEqual(3)
})

test('what a sandbox wrote is cut, cleaned and shows as what it is', () => {
  using world = new RecorderWorld()
  world.note({
    host: `${'h'.repeat(1_000)}`,
    method: 'GET\u001b[2J',
    path: `/botS3CRET/${'p'.repeat(10_000)}`,
    outcome: 'denied',
    reason: 'a\u202eb\nc\u2028d\ud800e',
  })
  world.recorder.write()
  const [line] = world.store.lines({}, 1)
  expect(line?.host).toHaveLength(255)
  expect(line).toMatchObject({ method: 'GET?[2J', reason: 'a?b?c?d?e' })
  expect(line?.path).toMatch(/^\/bot\*\*\*\/p+$/)
  expect(line?.path).toHaveLength(300)
})

test('a store that cannot be written loses nothing and keeps the bounds', () => {
  using world = new RecorderWorld()
  world.broken = true
  for (let round = 0; round < 5; round += 1) {
    for (let n = 0; n < 1_000; n += 1) world.note({ path: `/${n}` })
    expect(() => world.recorder.write()).toThrow('disk full')
  }
  world.broken = false
  world.recorder.write()
  const lines = world.store.lines({}, 1_000)
  expect(lines).toHaveLength(61)
  expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(5_000)
})

test('what was turned away is in the log of the host; what left is not', () => {
  using world = new RecorderWorld()
  world.note()
  world.note({ outcome: 'denied', reason: 'no rule' })
  world.note({ outcome: 'failed', reason: 'refused' })
  world.recorder.write()
  expect(world.logged).toMatchObject([
    { event: 'egress.denied', group: GARDEN, host: 'example.com', reason: 'no rule', count: 1 },
    { event: 'egress.failed', reason: 'refused' },
  ])
})

test('bytes count against the budget, after a restart as well', () => {
  using world = new RecorderWorld()
  const config = GroupConfig.parse({ limits: { egress: { mb_per_hour: 1 } } })
  world.note({ bytesIn: 600_000 })
  expect(world.budget.take(GARDEN, config, world.clock.now())).toBeNull()
  world.note({ bytesIn: 0, bytesOut: 600_000 })
  expect(world.budget.take(GARDEN, config, world.clock.now())).toMatch(/1 MB are used up/)
  world.recorder.write()
  const restarted = new EgressBudget(world.store)
  expect(restarted.take(GARDEN, config, world.clock.now())).toMatch(/1 MB are used up/)
  expect(restarted.take(KITCHEN, config, world.clock.now())).toBeNull()
  expect(restarted.take(GARDEN, config, (world.clock.now() + 3_600_000) as UnixMs)).toBeNull()
})
