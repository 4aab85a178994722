import { setTimeout as sleep } from 'node:timers/promises'
import { type Complaints, isSettled } from './oracle.ts'
import type { PlatformName } from './platform.ts'
import { Programs } from './programs.ts'
import type { ChaosOptions } from './run-options.ts'
import { type Harm, Score } from './score.ts'
import { SeededRandom } from './seeded-random.ts'
import { World } from './world.ts'
import { type WorldReport, WorldRun } from './world-run.ts'

export interface ChaosReport {
  readonly seed: number
  readonly messages: number
  readonly kills: number
  /** Kills, cuts and outages by what they hit, and jumps of the clock. */
  readonly harm: Readonly<Record<Harm, number>>
  /** How often something died at each named point. */
  readonly points: Readonly<Record<string, number>>
  readonly fewestHits: number
  /** Of them, those that were hit less often than was asked for. */
  readonly tooRare: Readonly<Record<string, number>>
  /** Calls of platforms that broke before or after they were carried out, came late, or were put off. */
  readonly faults: Readonly<Record<string, number>>
  readonly modelCalls: number
  /** Messages that stand in a chat twice, each marked as possibly so; only where the platform knows no keys. */
  readonly doubledVisibly: Readonly<Record<PlatformName, number>>
  /** Whether all was worked off in the end, and the counts asked for were reached. */
  readonly atRest: boolean
  readonly enough: boolean
  readonly seconds: number
  readonly complaints: Complaints
}

/** So that the worlds of a run do not do the same, and no two runs of neighbouring seeds share one. */
const NEXT_WORLD = 1_000_003
const WARM_UP_MS = 60_000

/**
 * Worlds, a load on them, and everything in them killed by turns; then what became of it. The seed decides all choices.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, worlds = 1 } = options
  const programs = options.programs ?? (await chaosPrograms())
  try {
    const begun = performance.now()
    const score = new Score(options)
    const reports = await Promise.all(
      Array.from({ length: worlds }, (_, index) =>
        runWorld(
          // The last one bounds what comes in.
          { ...options, programs, bounded: options.bounded ?? (worlds > 1 && index === worlds - 1) },
          new SeededRandom(seed + index * NEXT_WORLD),
          score,
        ),
      ),
    )
    return reportOf(seed, Math.round((performance.now() - begun) / 1000), score, reports)
  } finally {
    if (!options.programs) programs[Symbol.dispose]()
  }
}

/**
 * Programs that have run once: what Node compiled is kept when they end in an orderly way, and in a run they are
 * killed. A few seconds.
 */
export async function chaosPrograms(): Promise<Programs> {
  const programs = await Programs.build()
  await using world = new World({
    ...{ random: new SeededRandom(0), programs, groups: 2, chatsPerGroup: 2, engine: 'process' },
    ...{ mutation: null, smallDisk: false },
  })
  await world.prepare()
  if (!(await world.startHost(null))) throw new Error('the first host died')
  for (let n = 0; n < 10; n++) for (const chat of world.chats) world.say(chat, 'words')
  const [telegram] = world.chats
  for (const saying of ['file in', 'file out'] as const) if (telegram) world.say(telegram, saying)
  for (
    const end = performance.now() + WARM_UP_MS;
    !isSettled(world.platforms, world.dataDir);
    await sleep(20)
  )
    if (performance.now() > end) throw new Error('the first messages are not answered')
  await world.stopHost()
  return programs
}

async function runWorld(
  options: ChaosOptions & { readonly programs: Programs },
  random: SeededRandom,
  score: Score,
): Promise<WorldReport> {
  const world = new World({
    ...{ groups: 4, chatsPerGroup: 4, engine: 'process', mutation: null, smallDisk: false },
    ...options,
    random,
  })
  try {
    await world.prepare()
    return await new WorldRun(world, random, score, options).run()
  } finally {
    await world[Symbol.asyncDispose]()
  }
}

function reportOf(seed: number, seconds: number, score: Score, reports: readonly WorldReport[]): ChaosReport {
  const faults: Record<string, number> = {}
  for (const [kind, count] of reports.flatMap((report) => [...report.faults]))
    faults[kind] = (faults[kind] ?? 0) + count
  const sum = (of: (report: WorldReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0)
  const { said, kills, counts, points, rarest, tooRare, enough } = score
  return {
    ...{ seed, messages: said, kills, harm: counts, points, fewestHits: rarest[1], tooRare, faults },
    modelCalls: sum(({ modelCalls }) => modelCalls),
    doubledVisibly: {
      telegram: sum(({ doubledVisibly }) => doubledVisibly.telegram),
      sure: sum(({ doubledVisibly }) => doubledVisibly.sure),
    },
    atRest: reports.every(({ atRest }) => atRest),
    ...{ enough, seconds },
    complaints: reports.flatMap(({ complaints }, index) =>
      complaints.map((complaint) => (reports.length === 1 ? complaint : `world ${index}: ${complaint}`)),
    ),
  }
}
