// The long proof: `chaos-main.ts SEED MINUTES FOLDER`, what `./creel test chaos --minutes N` runs. Progress on stdout and
// in FOLDER; SIGTERM or SIGINT end the load early, and what was done by then is judged.
import { availableParallelism } from 'node:os'
import { type ChaosReport, runChaos } from './chaos-run.ts'
import { RunRecord } from './run-record.ts'

const MINUTE = 60_000
/** Much of a life is waiting, so that more than one is lived at a time. */
const WORLDS = Math.min(4, availableParallelism() + 1)
const LONG_S = 600
const ENOUGH = { kills: 1_000, messages: 20_000, eachPoint: 20 }

async function main([seed = '', minutes = '', folder = '']: readonly string[]): Promise<boolean> {
  const record = new RunRecord(folder, Number(seed))
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      // A second one ends at once.
      if (stop.signal.aborted) process.exit(130)
      process.stdout.write(`got ${name}: the load ends, what is on its way is worked off and judged\n`)
      stop.abort()
    })
  const smallDisk = process.getuid?.() === 0
  if (!smallDisk) process.stdout.write('left out: full disk: mounting a small disk takes root\n')
  let saidAt = Number.NEGATIVE_INFINITY
  try {
    const report = await runChaos({
      ...{ seed: Number(seed), maxMs: Number(minutes) * MINUTE, smallDisk, stop: stop.signal, ...ENOUGH },
      worlds: WORLDS,
      say: (progress) => {
        if (performance.now() - saidAt < MINUTE) return
        saidAt = performance.now()
        record.progress(progress)
        process.stdout.write(`${JSON.stringify(progress)}\n`)
      },
    })
    const verdict = verdictOf(report)
    record.verdict({ verdict, ...report })
    process.stdout.write(`${JSON.stringify(report)}\n${verdict}\n`)
    return report.complaints.length === 0 && report.enough
  } catch (error) {
    record.verdict({
      verdict: `broken off: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
    })
    throw error
  }
}

function verdictOf({
  complaints,
  enough,
  points,
  tooRare,
  messages,
  kills,
  seed,
  seconds,
}: ChaosReport): string {
  const hits = Object.values(points)
  const [least, most] = [Math.min(...hits), Math.max(...hits)]
  const done = `seed ${seed}: ${messages} messages, ${kills} kills, each of ${hits.length} named points ${least} to ${most} times`
  if (complaints.length > 0) return `FAILED: ${done}: ${complaints[0]}`
  if (enough) return `passed: ${done}`
  const rare = Object.entries(tooRare).map(([point, count]) => `${point} ${count}`)
  const missed = rare.length === 0 ? '' : `; less than ${ENOUGH.eachPoint} times: ${rare.join(', ')}`
  // So long that it is no excuse.
  return seconds < LONG_S ? `too short, nothing found: ${done}` : `FAILED: not enough died: ${done}${missed}`
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
