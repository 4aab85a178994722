import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { HostTables } from '../../../test/rig/host-tables.ts'

test('waits for the disk without a commit of its own, and where there is nothing to wait for', async () => {
  using tables = new HostTables()
  tables.receive('one')
  const before = tables.db.pragma('data_version')
  await tables.outboxes.sync()
  expect(tables.db.pragma('data_version')).toEqual(before)
  tables.receive('two')
  rmSync(`${tables.path}-wal`)
  await tables.outboxes.sync()
})
