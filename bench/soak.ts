import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import { CrowdEngine } from './crowd-engine.ts'
import { preciseNow, rounded } from './figures.ts'
import { startLoadHost } from './load-host.ts'

const GROUPS = 200
const PER_SECOND = 50
const TICK_MS = 100
const SAMPLE_MS = 5_000
/** Caches fill and code is compiled; what comes after must be flat. */
const WARM_UP_SHARE = 0.2
const DRAIN_MS = 120_000

interface Sample {
  readonly minutes: number
  readonly rssMb: number
}

/**
 * `-n` minutes of 50 messages a second to 200 groups, through the whole relay and back; the runners share a process
 * beside. Memory and handles are those of this process, the host with the load in it.
 */
export const soak: Bench = {
  defaultRuns: 30,
  async run({ install, runs, say, signal }) {
    using engine = new CrowdEngine()
    await using world = await startLoadHost(install, GROUPS, engine)
    const seen = new Set<number>()
    let doubled = 0
    world.channel.onSent = ({ text }) => {
      const n = Number(/number (\d+)\./.exec(text)?.[1] ?? Number.NaN)
      if (Number.isNaN(n)) return
      if (seen.has(n)) doubled += 1
      seen.add(n)
    }
    const samples: Sample[] = []
    let handlesBefore = 0
    let said = 0
    const begun = preciseNow()
    const elapsed = () => preciseNow() - begun
    for (let sampled = -SAMPLE_MS; elapsed() < runs * 60_000; ) {
      for (const due = (elapsed() * PER_SECOND) / 1000; said < due; said++)
        world.channel.say(`chat${said % GROUPS}`, `number ${said}.`)
      if (elapsed() - sampled >= SAMPLE_MS) {
        sampled = elapsed()
        const rssMb = process.memoryUsage.rss() / 2 ** 20
        samples.push({ minutes: sampled / 60_000, rssMb })
        if (samples.length % 12 === 0) say(`${said} messages, ${Math.round(rssMb)} MB`)
        if (sampled < runs * 60_000 * WARM_UP_SHARE) handlesBefore = handles()
      }
      await sleep(TICK_MS, undefined, { signal })
    }
    const seconds = elapsed() / 1000
    const warm = samples.filter(({ minutes }) => minutes >= runs * WARM_UP_SHARE)
    const handlesAfter = handles()
    for (const end = preciseNow() + DRAIN_MS; seen.size < said && preciseNow() < end; ) await sleep(100)
    return {
      messages: said,
      per_s: rounded(said / seconds),
      lost: said - seen.size,
      doubled,
      rss_mb: rounded(warm.at(-1)?.rssMb ?? 0),
      rss_mb_per_minute: rounded(slope(warm)),
      handles_before: handlesBefore,
      handles_after: handlesAfter,
      disk_mb: rounded(Number(execFileSync('du', ['-sk', world.dataDir]).toString().split('\t')[0]) / 1024),
    }
  },
}

function handles(): number {
  return readdirSync('/proc/self/fd').length
}

/** Least squares, MB a minute. */
function slope(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const x = mean(samples.map(({ minutes }) => minutes))
  const y = mean(samples.map(({ rssMb }) => rssMb))
  const over = samples.reduce((sum, { minutes, rssMb }) => sum + (minutes - x) * (rssMb - y), 0)
  return over / samples.reduce((sum, { minutes }) => sum + (minutes - x) ** 2, 0)
}
