import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import { preciseNow, rounded } from './figures.ts'
import { SoakHost } from './soak-host.ts'
import type { HostLook } from './soak-host-main.ts'
import { type Sample, trendOf } from './trend.ts'

const GROUPS = 200
const PER_SECOND = 50
const TICK_MS = 100
const SAMPLE_MS = 5_000
const SAY_EVERY = 12
const MINUTE = 60_000
const DRAIN_MS = 120_000
/** One that was told to end has little time. */
const EARLY_DRAIN_MS = 4_000

/**
 * `-n` minutes of 50 messages a second to 200 groups, through the whole relay and back. Host, runners and this process
 * with the people are three processes; memory, heap and handles are the host's alone. Ended early, it says what it
 * measured until then.
 */
export const soak: Bench = {
  defaultRuns: 30,
  async run({ install, runs, say, signal }) {
    await using host = await SoakHost.start(install.projectDir, GROUPS)
    const answers = new Answers()
    host.onAnswers = (numbers) => answers.take(numbers)
    const samples: (HostLook & { readonly minutes: number })[] = []
    let half: HostLook | null = null
    const begun = preciseNow()
    const elapsed = () => preciseNow() - begun
    let said = 0
    for (let sampled = -SAMPLE_MS; elapsed() < runs * MINUTE && !signal.aborted; await pause(signal)) {
      const due = Math.floor((elapsed() * PER_SECOND) / 1000)
      host.say(said, due - said)
      said = due
      if (elapsed() - sampled < SAMPLE_MS) continue
      sampled = elapsed()
      // What is alive, at half time and in the end: all else is a matter of when garbage is collected.
      const isHalf = half === null && sampled >= (runs * MINUTE) / 2
      const look = await host.look(isHalf)
      if (isHalf) half = look
      samples.push({ ...look, minutes: sampled / MINUTE })
      if (samples.length % SAY_EVERY === 1)
        say(
          `${Math.round(sampled / 1000)} s: ${said} messages, ${said - answers.count} on their way, ` +
            `${Math.round(look.rssMb)} MB, ${look.handles} handles`,
        )
    }
    const seconds = elapsed() / 1000
    const handlesAfter = samples.at(-1)?.handles ?? 0
    host.hurry = signal.aborted
    const drain = signal.aborted ? EARLY_DRAIN_MS : DRAIN_MS
    for (const end = preciseNow() + drain; answers.count < said && preciseNow() < end; ) await sleep(TICK_MS)
    const last = await host.look(true)
    const later = samples.filter(({ minutes }) => minutes >= seconds / 120)
    const rss = trendOf(later.map(({ minutes, rssMb }): Sample => ({ x: minutes, y: rssMb })))
    return {
      ...{ messages: said, minutes: rounded(seconds / 60), per_s: rounded(said / seconds) },
      // What was cut off on its way is not lost.
      ...(signal.aborted ? { unanswered: said - answers.count } : { lost: said - answers.count }),
      ...{ doubled: answers.doubled, turned: answers.turned },
      rss_mb: rounded(samples.at(-1)?.rssMb ?? 0),
      rss_mb_per_minute: rounded(rss.slope),
      rss_slope_error: rounded(rss.error),
      live_heap_mb: rounded(last.heapMb),
      ...(half ? { live_heap_growth_mb: rounded(last.heapMb - half.heapMb) } : {}),
      handles_before: later[0]?.handles ?? 0,
      handles_after: handlesAfter,
      disk_mb: sizeOf(host.dataDir),
      tables_mb: sizeOf(join(host.dataDir, 'host.db')),
      mail_mb: sizeOf(join(host.dataDir, 'mail')),
    }
  },
}

/** Which numbers were answered, in as much memory as there are groups. */
class Answers {
  count = 0
  doubled = 0
  /** Later than a later one of their chat. */
  turned = 0
  readonly #newest = new Map<number, number>()
  readonly #early = new Set<number>()

  take(numbers: readonly number[]): void {
    for (const n of numbers) {
      const expected = this.#newest.get(n % GROUPS) ?? n % GROUPS
      if (n < expected || this.#early.has(n)) this.doubled += 1
      else {
        this.count += 1
        if (n > expected) this.turned += 1
        this.#early.add(n)
        let next = expected
        while (this.#early.delete(next)) next += GROUPS
        this.#newest.set(n % GROUPS, next)
      }
    }
  }
}

/** MB on the disk. */
function sizeOf(path: string): number {
  return rounded(Number(execFileSync('du', ['-sk', path]).toString().split('\t')[0]) / 1024)
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(TICK_MS, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
