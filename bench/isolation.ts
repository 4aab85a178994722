import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { GroupName } from '../src/domain/ids.ts'
import type { Bench } from './bench.ts'
import { type BenchHost, startGroups } from './bench-host.ts'
import { percentile, preciseNow, rounded } from './figures.ts'

const HEALTHY = 9
const GAP_MS = 20

/**
 * Nine groups that are talked to in turn, first alone, then beside one whose outbox is poisoned and locked, whose
 * runner dies at every message and who is sent a hundred megabytes. p99 of the healthy ones' answers, message to send.
 */
export const isolation: Bench = {
  defaultRuns: 300,
  async run({ install, runs, say, signal }) {
    const healthy = Array.from({ length: HEALTHY }, (_, n) => `well${n}`)
    const bench = await startGroups(install, [...healthy, 'sick'], say)
    try {
      const measure = async () => {
        const tookMs: number[] = []
        for (let n = 0; n < runs; n++) {
          signal.throwIfAborted()
          tookMs.push(await roundTrip(bench, healthy[n % HEALTHY] ?? '', n))
          await bench.host.parts.core.clock.sleep(GAP_MS, signal)
        }
        return percentile(tookMs, 0.99)
      }
      say('waking the healthy groups')
      for (const group of healthy) await roundTrip(bench, group, 0)
      say(`measuring ${runs} messages`)
      const alone = await measure()
      say('poisoning the other group')
      const cure = poison(bench)
      try {
        const beside = await measure()
        return {
          p99_alone_ms: rounded(alone),
          p99_beside_ms: rounded(beside),
          ratio: rounded(beside / alone),
        }
      } finally {
        cure()
      }
    } finally {
      await bench[Symbol.asyncDispose]()
    }
  },
}

async function roundTrip(bench: Pick<BenchHost, 'channel'>, group: string, n: number): Promise<number> {
  const begun = preciseNow()
  const answered = new Promise<number>((resolve) => {
    bench.channel.onSent = ({ chat, at }) => {
      if (chat === group) resolve(at)
    }
  })
  bench.channel.say(group, `message ${n}`)
  return (await answered) - begun
}

/** Everything at once that a hostile or broken group can do; returns what ends it. */
function poison({ channel, host }: Pick<BenchHost, 'channel' | 'host'>): () => void {
  const { paths } = host.parts.core.install
  const sick = 'sick' as GroupName
  channel.say(sick, 'x'.repeat(100_000_000))
  for (let n = 0; n < 50; n++) channel.say(sick, '/demo crash')
  host.parts.mailbox.open(sick)
  const outbox = paths.outbox(sick)
  // A process of its own holds the lock, as a sandbox would; this one would share it with the reader.
  const hold = `import { DatabaseSync } from 'node:sqlite'
    const db = new DatabaseSync(process.argv[1]); db.exec('BEGIN EXCLUSIVE'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', hold, outbox], { stdio: 'ignore' })
  const later = setTimeout(() => {
    holder.kill('SIGKILL')
    rmSync(outbox, { force: true })
    const db = new Database(outbox)
    db.exec(
      'CREATE VIEW entry AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS seq FROM r',
    )
    db.close()
  }, 3_000)
  return () => {
    clearTimeout(later)
    holder.kill('SIGKILL')
  }
}
