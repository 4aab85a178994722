import type { GroupName } from '../src/domain/ids.ts'
import { BareCommits } from './bare-commits.ts'
import type { Bench, BenchRequest } from './bench.ts'
import { type BenchHost, startGroups } from './bench-host.ts'
import { percentile, preciseNow, rounded } from './figures.ts'
import { attackMailbox } from './sick-sandbox.ts'

const HEALTHY = 9
const GAP_MS = 20

/**
 * Nine groups that are talked to in turn, first alone, then beside one whose runner dies at every message, and whose
 * outbox gets an entry and a file of a hundred megabytes, is locked, and poisoned. p99 of the healthy ones' answers,
 * message to send. An answer is some twenty waits for the disk, which all share: what a bare commit on it takes in the
 * same minutes tells how much of the difference is the disk's.
 */
export const isolation: Bench = {
  // Long enough for all attacks to be under way for most of it: they begin one after the other.
  defaultRuns: 1_000,
  async run({ install, runs, say, signal }) {
    const healthy = Array.from({ length: HEALTHY }, (_, n) => `well${n}`)
    const bench = await startGroups(install, [...healthy, 'sick'], say)
    const bare = new BareCommits(bench.host.parts.core.install.paths.dataDir)
    try {
      const measure = async () => {
        const tookMs: number[] = []
        const bareMs: number[] = []
        for (let n = 0; n < runs; n++) {
          signal.throwIfAborted()
          tookMs.push(await roundTrip(bench, healthy[n % HEALTHY] ?? '', n))
          bareMs.push(bare.commit())
          await bench.host.parts.core.clock.sleep(GAP_MS, signal)
        }
        return { p99: percentile(tookMs, 0.99), bareP99: percentile(bareMs, 0.99) }
      }
      say('waking the healthy groups')
      for (const group of healthy) await roundTrip(bench, group, 0)
      say(`measuring ${runs} messages`)
      const alone = await measure()
      say('poisoning the other group')
      const attack = await poison(bench, { say, signal })
      try {
        const beside = await measure()
        return {
          p99_alone_ms: rounded(alone.p99),
          p99_beside_ms: rounded(beside.p99),
          ratio: rounded(beside.p99 / alone.p99),
          bare_commit_alone_ms: rounded(alone.bareP99),
          bare_commit_beside_ms: rounded(beside.bareP99),
        }
      } finally {
        await attack[Symbol.asyncDispose]()
      }
    } finally {
      bare[Symbol.dispose]()
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

/** All at once that a hostile or broken group can do; returns what ends it. */
async function poison(
  { channel, host, image }: Pick<BenchHost, 'channel' | 'host' | 'image'>,
  context: Pick<BenchRequest, 'say' | 'signal'>,
): Promise<AsyncDisposable> {
  const sick = 'sick' as GroupName
  for (let n = 0; n < 50; n++) channel.say(sick, '/demo crash')
  await host.parts.mailbox.open(sick)
  return attackMailbox(host.parts.core.install, image, sick, context)
}
