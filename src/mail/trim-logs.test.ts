import { expect, test } from 'vitest'
import { GARDEN } from '../../test/rig/host-tables.ts'
import type { UnixMs } from '../domain/ids.ts'
import { trimLogs } from './trim-logs.ts'

test('nothing is forgotten elsewhere before it is on our own disk', async () => {
  const done: string[] = []
  await trimLogs(GARDEN, {
    outboxes: { cursor: () => 9, sync: async () => void done.push('on the disk') },
    dispatches: { open: () => [], newestPlaced: () => 4 },
    mailbox: {
      putAll: async () => {
        done.push('the runner may forget')
        return [5]
      },
      prune: async (_group, seq) => void done.push(`the inbox forgets up to ${seq}`),
    },
    clock: { now: () => 0 as UnixMs },
  })
  expect(done).toEqual(['on the disk', 'the runner may forget', 'the inbox forgets up to 4'])
})
