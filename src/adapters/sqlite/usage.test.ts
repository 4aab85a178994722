import { describe, expect, test } from 'vitest'
import { GARDEN, HostTables, KITCHEN } from '../../../test/rig/host-tables.ts'
import type { UnixMs } from '../../domain/ids.ts'
import type { NewUsage } from '../../domain/ports/usage.ts'

const DAY = 86_400_000
const ALWAYS = 0 as UnixMs

function used(outboxSeq: number, more: Partial<NewUsage> = {}): NewUsage {
  const counts = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 100, cacheWriteTokens: 20 }
  return { outboxSeq, inboxSeq: 1, provider: 'claude', model: 'big', ...counts, costUsd: 0.25, ...more }
}

function record(tables: HostTables, cursor: number, usage: readonly NewUsage[], group = GARDEN): void {
  const nothing = { accepted: [], deliveries: [], settled: [], rejected: 0 }
  tables.outboxes.record(group, { cursor, ...nothing, usage }, tables.clock.now())
}

describe('usage', () => {
  test('is recorded once, under the session of its message, and summed', async () => {
    using tables = new HostTables()
    tables.place(GARDEN, 1)
    tables.place(GARDEN, 2)
    record(tables, 2, [used(1), used(2, { inboxSeq: 2, model: 'small', costUsd: null })])
    record(tables, 2, [used(1)])
    const all = { turns: 2, inputTokens: 20, outputTokens: 10, cacheReadTokens: 200, cacheWriteTokens: 40 }
    expect(tables.usage.sum(GARDEN, ALWAYS)).toEqual({ ...all, costUsd: 0.25 })
    expect(tables.usage.sum(GARDEN, ALWAYS, { session: 's' })).toEqual({ ...all, costUsd: 0.25 })
    expect(tables.usage.sum(GARDEN, ALWAYS, { session: 'another' })).toMatchObject({
      turns: 0,
      costUsd: null,
    })
    expect(tables.usage.sum(KITCHEN, ALWAYS)).toMatchObject({ turns: 0, inputTokens: 0 })
    expect(tables.usage.lines(ALWAYS, null).map(({ model, costUsd }) => [model, costUsd])).toEqual([
      ['big', 0.25],
      ['small', null],
    ])
    expect(tables.usage.lines(ALWAYS, KITCHEN)).toEqual([])
    await tables.clock.advance(1_000)
    expect(tables.usage.sum(GARDEN, tables.clock.now())).toMatchObject({ turns: 0 })
  })

  test('of a message that the group was never given is left out', () => {
    using tables = new HostTables()
    tables.place(KITCHEN, 7)
    record(tables, 1, [used(1, { inboxSeq: 7 })])
    expect(tables.usage.sum(GARDEN, ALWAYS)).toMatchObject({ turns: 0 })
  })

  test('that a sandbox reports without end does not fill the database', () => {
    using tables = new HostTables()
    tables.place(GARDEN, 1)
    record(
      tables,
      300,
      Array.from({ length: 300 }, (_, index) => used(index + 1)),
    )
    expect(tables.usage.sum(GARDEN, ALWAYS).inputTokens).toBe(500)
  })

  test('is forgotten after 400 days', async () => {
    using tables = new HostTables()
    tables.place(GARDEN, 1)
    tables.place(GARDEN, 2)
    record(tables, 1, [used(1)])
    await tables.clock.advance(401 * DAY)
    record(tables, 2, [used(2, { inboxSeq: 2 })])
    expect(tables.usage.sum(GARDEN, ALWAYS)).toMatchObject({ turns: 1 })
  })
})
