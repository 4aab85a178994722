import { rmSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GARDEN, HostTables } from '../../../test/rig/host-tables.ts'

test('waits for the disk without a commit of its own, and where there is nothing to wait for', async () => {
  using tables = new HostTables()
  const log = `${tables.path}-wal`
  const batch = { cursor: 9, accepted: [], deliveries: [], settled: [], rejected: 0 }
  tables.outboxes.record(GARDEN, batch, tables.clock.now())
  const before = statSync(log).size
  await tables.outboxes.sync()
  expect(statSync(log).size).toBe(before)
  tables.receive('one')
  expect(statSync(log).size).toBeGreaterThan(before)
  rmSync(log)
  await tables.outboxes.sync()
})
