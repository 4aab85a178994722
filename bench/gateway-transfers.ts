import { z } from 'zod'
import { percentile, rounded } from './figures.ts'

/** Has so many bytes carried this way, by `gateway-client.cjs`. Resolves with megabytes a second. */
export type Transfer = (bytes: number, way: Way) => Promise<number>

export type Way = (typeof WAYS)[number]
type Speeds = Record<Way, number>

const WAYS = ['direct', 'tunnelled', 'opened', 'modelDirect', 'model'] as const
/** What a way is compared with: the same server, program and protocol from a container with a network of its own. */
const BESIDE: Partial<Record<Way, Way>> = { tunnelled: 'direct', opened: 'direct', model: 'modelDirect' }

const ROUND_BYTES = 128_000_000
const ROUNDS = 9
/** On a busy machine fewer rounds have to do. */
const FEWEST_ROUNDS = 3
const ROUNDS_MS = 40_000
const LONG_BYTES = 2_000_000_000
const LONG_OPENED_BYTES = 500_000_000
const MEMORY_MS = 50
const MB = 1_000_000
const MIB = 1024 ** 2

/**
 * Speeds as ratios of pairs: in each round every way carries the same bytes once, in an order that moves on by one, and
 * what the machine does beside it meets all of them. Then 2 GB tunnelled and 500 MB opened, for the memory of
 * this process.
 */
export async function measureTransfers(
  transfer: Transfer,
  say: (line: string) => void,
): Promise<Record<string, number>> {
  const rounds: Speeds[] = []
  const until = performance.now() + ROUNDS_MS
  for (let round = 0; round < ROUNDS; round++) {
    if (round >= FEWEST_ROUNDS && performance.now() > until) break
    say(`transfers, round ${round + 1} of ${ROUNDS}: ${ROUND_BYTES / MB} MB each of ${WAYS.length} ways`)
    const order = WAYS.map((_, at) => WAYS[(at + round) % WAYS.length] ?? 'direct')
    const speeds: Partial<Speeds> = {}
    for (const way of order) speeds[way] = await transfer(ROUND_BYTES, way)
    rounds.push(Measured.parse(speeds))
    say(
      WAYS.map((way) => `${way} ${Math.round(rounds.at(-1)?.[way] ?? 0)}`)
        .join(', ')
        .concat(' MB/s'),
    )
  }
  const ratio = (way: Way) => {
    const beside = BESIDE[way] ?? 'direct'
    return rounded(
      percentile(
        rounds.map((speeds) => speeds[way] / speeds[beside]),
        0.5,
      ),
    )
  }
  const growth = async (way: Way, bytes: number) => {
    say(`memory while ${bytes / MB} MB pass ${way}`)
    const memory = new MemoryWatch()
    say(`${Math.round(await transfer(bytes, way))} MB/s`)
    return rounded(memory.end() / MIB)
  }
  return {
    throughput_ratio: ratio('tunnelled'),
    opened_throughput_ratio: ratio('opened'),
    model_throughput_ratio: ratio('model'),
    direct_mb_s: rounded(
      percentile(
        rounds.map(({ direct }) => direct),
        0.5,
      ),
    ),
    rss_growth_mb: await growth('tunnelled', LONG_BYTES),
    opened_rss_growth_mb: await growth('opened', LONG_OPENED_BYTES),
  }
}

const Measured = z.object({
  direct: z.number(),
  tunnelled: z.number(),
  opened: z.number(),
  modelDirect: z.number(),
  model: z.number(),
})

/** How far the memory of this process rises above where it began. */
class MemoryWatch {
  readonly #from = process.memoryUsage.rss()
  #most = this.#from
  readonly #timer = setInterval(() => {
    this.#most = Math.max(this.#most, process.memoryUsage.rss())
  }, MEMORY_MS)

  /** Bytes. */
  end(): number {
    clearInterval(this.#timer)
    return this.#most - this.#from
  }
}
