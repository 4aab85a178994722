import { setTimeout as sleep } from 'node:timers/promises'
import { type Arm, provocationOf } from './crash-points.ts'
import type { Goal, Score } from './score.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { World } from './world.ts'

/** What is broken beside the host, and how often it is chosen. */
const HARMS = [
  ...['runner', 'armed runner', 'armed runner', 'armed runner', 'armed runner', 'armed runner'],
  ...['engine', 'platform', 'channel', 'gateway', 'gateway', 'clock', 'disk'],
] as const

const AIMED = ['armed runner'] as const
/** Containers of a real engine cannot be told where to die, and the engine is not ours to stop. */
const OUTSIDE = ['runner', 'runner', 'platform', 'channel', 'clock', 'disk'] as const

/** How much more often it is a runner that is told where to die, while that happened less than to hosts. */
const RUNNERS_FIRST = 0.5
const MAX_CLOCK_JUMP_MS = 3_600_000
/** Jumps of the host's clock that those of the platforms do not follow: for ten minutes all seems to come late. */
const JUMPS_ALONE = 0.25
/** Lives in which the host is killed anywhere. */
const ANYWHERE = 0.05
/** How often the bounded world aims at what only it comes by, when that is among the points that were hit least. */
const OWN_FIRST = 0.5
/** An ordinary point is passed so often before the host dies there; less often once there were messages enough. */
const MAX_HIT = 12
const SOON = 3
/** Commits of one ask. */
const ASK_COMMITS = 4

/** Decides what breaks next, the named points that were hit least first. */
export class Trouble {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #score: Score
  readonly #killSandbox: (group: string) => Promise<boolean>
  readonly #aimed: boolean
  readonly #harms: readonly (typeof HARMS)[number][]
  #noted = 0

  constructor(world: World, random: SeededRandom, score: Score, { points, killSandbox }: Goal) {
    this.#world = world
    this.#random = random
    this.#score = score
    this.#killSandbox = killSandbox ?? (async (group) => world.engine.kill(group))
    this.#aimed = points !== undefined
    this.#harms = this.#aimed ? AIMED : killSandbox ? OUTSIDE : HARMS
  }

  /** Where the next host is to die; null = wherever it is killed. */
  nextArm(): Arm | null {
    const hostPoints = this.#score.hostPoints.filter(
      (point) => this.#world.bounded || provocationOf(point) !== 'flood',
    )
    if (hostPoints.length === 0 || (!this.#aimed && this.#random.chance(ANYWHERE))) return null
    const rare = this.#score.leastHit(hostPoints)
    // No other world can come by these.
    const own = rare.filter((point) => provocationOf(point) === 'flood')
    const point = this.#random.pick(own.length > 0 && this.#random.chance(OWN_FIRST) ? own : rare)
    return { point, hit: this.#hitOf(point, this.#score.fewMessages ? MAX_HIT : SOON) }
  }

  /** A host has died, by our hand or by its own. */
  hostDied(): void {
    this.#score.counts.host += 1
    const crashes = this.#world.crashes()
    for (const point of crashes.slice(this.#noted)) this.#score.diedAt(point)
    this.#noted = crashes.length
  }

  /** Something else than the host breaks, and heals unless it is a process. */
  async harm(): Promise<void> {
    const { engine, platforms } = this.#world
    const first = this.#score.runnersBehind && this.#random.chance(RUNNERS_FIRST)
    const what = first ? 'armed runner' : this.#random.pick(this.#harms)
    if (what === 'armed runner' && this.#score.runnerPoints.length === 0) return
    switch (what) {
      case 'runner':
        return await this.killRunner()
      case 'armed runner': {
        const point = this.#random.pick(this.#score.leastHit(this.#score.runnerPoints))
        engine.arms.push({ point, hit: this.#hitOf(point, 4) })
        return await this.killRunner()
      }
      case 'engine':
        // As when the machine's engine dies with all it runs, and comes back.
        engine.down = true
        if (this.#random.chance(0.5)) for (const group of engine.running()) engine.kill(group)
        await sleep(this.#random.between(50, 400))
        engine.down = false
        break
      case 'platform':
        platforms.down = true
        await sleep(this.#random.between(50, 400))
        platforms.down = false
        break
      case 'channel':
        await this.#world.cut(this.#random.pick(['telegram', 'sure'] as const))
        break
      case 'gateway':
        await this.#world.cut('gateway')
        break
      case 'disk':
        if (!(await this.#world.fillDisk(this.#random.between(100, 600)))) return
        break
      default:
        this.#world.jumpClock(
          this.#random.between(-MAX_CLOCK_JUMP_MS, MAX_CLOCK_JUMP_MS),
          this.#random.chance(JUMPS_ALONE),
        )
    }
    this.#score.counts[what] += 1
  }

  async killRunner(): Promise<void> {
    const running = this.#world.engine.running()
    const group = this.#random.pick(running.length > 0 ? running : this.#world.groups)
    if (await this.#killSandbox(group)) this.#score.counts.runner += 1
  }

  /** What has to be provoked is hit the first time. */
  #hitOf(point: string, most: number): number {
    const provoked = provocationOf(point)
    if (provoked === 'ask') return this.#random.between(1, ASK_COMMITS)
    return provoked === null ? this.#random.between(1, most) : 1
  }
}
