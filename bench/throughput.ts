import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises'
import { openHostDb } from '../src/adapters/sqlite/open.ts'
import type { Bench, BenchRequest } from './bench.ts'
import { rounded } from './figures.ts'
import { startLoadHost } from './load-host.ts'
import { SleepingEngine } from './sleeping-engine.ts'

/** Messages that a channel hands over in one go, as an answer of Telegram gives them: one commit, synced. */
const BATCH = 100
/** Looking is work for the one thread that is measured. */
const LOOK_MS = 20

/**
 * Durable inbound: from the hand-over by a channel, synced before the platform would hear of it, through the router
 * until it stands synced in its group's inbox. The whole host runs, with its log; only the sandboxes are asleep. The
 * floor is the same number of plain inserts of the same text, each synced, in an empty table with the same settings on
 * the same disk, before it and after it: one sync for each in one file, which is the least that makes messages durable
 * one by one. Ours are synced twice, in batches: in host.db as they were handed over, and in the file of each group as many as wait for it.
 * `per_s_1000_alone` is the rate when each message is handed over and synced by itself, too.
 */
export const throughput: Bench = {
  defaultRuns: 20_000,
  async run(request) {
    const before = floorOf(request)
    const one = await rate(request, 1)
    const hundred = await rate(request, 100)
    const thousand = await rate(request, 1_000)
    const alone = await rate(request, 1_000, 1)
    // A disk is not as fast at all times.
    const floor = (before + floorOf(request)) / 2
    return {
      per_s_1: rounded(one),
      per_s_100: rounded(hundred),
      per_s_1000: rounded(thousand),
      per_s_1000_alone: rounded(alone),
      floor_per_s: rounded(floor),
      ratio_1000: rounded(thousand / floor),
    }
  },
}

function textOf(n: number): string {
  return `message ${n}: ${'what is on today, and who brings the cake? '.repeat(3)}`
}

function floorOf({ runs, say }: BenchRequest): number {
  say('measuring plain inserts')
  const folder = mkdtempSync(join(tmpdir(), 'creel-floor-'))
  const db = openHostDb(join(folder, 'host.db'))
  try {
    db.exec('CREATE TABLE floor (id INTEGER PRIMARY KEY, chat INTEGER, text TEXT, at INTEGER) STRICT')
    const insert = db.prepare('INSERT INTO floor (chat, text, at) VALUES (?, ?, ?)')
    const begun = performance.now()
    for (let n = 0; n < runs; n++) insert.run(n % 1_000, textOf(n), Date.now())
    return (runs / (performance.now() - begun)) * 1000
  } finally {
    db.close()
    rmSync(folder, { recursive: true })
  }
}

export async function rate(
  { install, runs, say, signal }: BenchRequest,
  groups: number,
  together = BATCH,
): Promise<number> {
  say(`setting up ${groups} group(s)`)
  await using world = await startLoadHost(install, groups, new SleepingEngine())
  say(`measuring ${runs} messages to ${groups} group(s)`)
  const begun = performance.now()
  for (let n = 0; n < runs; n += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, runs - n) }, (_, index) => n + index)
    for (let at = 0; at < numbers.length; at += together) {
      const some = numbers.slice(at, at + together)
      world.channel.sayAll(some.map((number) => [`chat${number % groups}`, textOf(number)]))
    }
    await nextTurn(undefined, { signal })
  }
  while (world.waiting()) await setTimeout(LOOK_MS, undefined, { signal })
  return (runs / (performance.now() - begun)) * 1000
}
