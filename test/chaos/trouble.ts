import { setTimeout as sleep } from 'node:timers/promises'
import { type Arm, HOST_POINTS, provocationOf, RUNNER_POINTS } from './crash-points.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { World } from './world.ts'

/** What is broken beside the host, and how often it is chosen. */
const HARMS = [
  ...['runner', 'armed runner', 'armed runner', 'armed runner', 'armed runner'],
  ...['engine', 'platform', 'channel', 'gateway', 'gateway', 'clock', 'disk'],
] as const

const AIMED = ['armed runner'] as const
/** Containers of a real engine cannot be told where to die, and the engine is not ours to stop. */
const OUTSIDE = ['runner', 'runner', 'platform', 'channel', 'clock', 'disk'] as const

const MAX_CLOCK_JUMP_MS = 3_600_000
/** Lives in which the host is killed anywhere. */
const ANYWHERE = 0.2
/** An ordinary point is passed so often before the host dies there. */
const MAX_HIT = 12

export interface TroubleOptions {
  /** Only these named points, and nothing else breaks. Default: all, and everything. */
  readonly points?: readonly string[]
  /** How a container is killed; processes of the world are killed by the world. */
  readonly killSandbox?: (group: string) => Promise<void>
}

/** Decides what breaks next, the named points that were hit least first, and counts what it broke. */
export class Trouble {
  readonly counts = { host: 0, runner: 0, engine: 0, gateway: 0, channel: 0, platform: 0, disk: 0, clock: 0 }
  readonly #world: World
  readonly #random: SeededRandom
  readonly #killSandbox: (group: string) => Promise<void>
  readonly #hostPoints: readonly string[]
  readonly #runnerPoints: readonly string[]
  readonly #aimed: boolean
  readonly #harms: readonly (typeof HARMS)[number][]
  #noted = 0
  readonly #hits: Map<string, number>

  constructor(world: World, random: SeededRandom, options: TroubleOptions = {}) {
    this.#world = world
    this.#random = random
    this.#killSandbox = options.killSandbox ?? (async (group) => world.engine.kill(group))
    const { points } = options
    const wanted = (point: string) => points === undefined || points.includes(point)
    this.#hostPoints = HOST_POINTS.filter(wanted)
    // Containers of a real engine cannot be told where to die.
    this.#runnerPoints = RUNNER_POINTS.filter((point) => wanted(point) && !options.killSandbox)
    this.#hits = new Map([...this.#hostPoints, ...this.#runnerPoints].map((point) => [point, 0]))
    this.#aimed = points !== undefined
    this.#harms = this.#aimed ? AIMED : options.killSandbox ? OUTSIDE : HARMS
  }

  /** Deaths, cuts and outages so far; a jump of the clock kills nothing. */
  get total(): number {
    const { clock, ...kills } = this.counts
    return Object.values(kills).reduce((sum, count) => sum + count, 0)
  }

  /** How often something died at each named point. */
  get points(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#hits)
  }

  /** The named point at which least has died, and how often. */
  get rarest(): readonly [point: string, hits: number] {
    return [...this.#hits].toSorted((a, b) => a[1] - b[1])[0] ?? ['none', 0]
  }

  /** Where the next host is to die; null = wherever it is killed. */
  nextArm(): Arm | null {
    if (this.#hostPoints.length === 0 || (!this.#aimed && this.#random.chance(ANYWHERE))) return null
    const point = this.#leastHit(this.#hostPoints)
    return { point, hit: this.#hitOf(point, MAX_HIT) }
  }

  /** A host has died, by our hand or by its own. */
  hostDied(): void {
    this.counts.host += 1
    const crashes = this.#world.crashes()
    for (const point of crashes.slice(this.#noted)) {
      this.#hits.set(point, (this.#hits.get(point) ?? 0) + 1)
      if (point.includes(' outbox.')) this.counts.runner += 1
    }
    this.#noted = crashes.length
  }

  /** Something else than the host breaks, and heals unless it is a process. */
  async harm(): Promise<void> {
    const { engine, platforms } = this.#world
    const what = this.#random.pick(this.#harms)
    if (what === 'armed runner' && this.#runnerPoints.length === 0) return
    switch (what) {
      case 'runner':
        return await this.killRunner()
      case 'armed runner': {
        const point = this.#leastHit(this.#runnerPoints)
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
        this.#world.jumpClock(this.#random.between(-MAX_CLOCK_JUMP_MS, MAX_CLOCK_JUMP_MS))
    }
    this.counts[what] += 1
  }

  async killRunner(): Promise<void> {
    await this.#killSandbox(this.#random.pick(this.#world.groups))
    this.counts.runner += 1
  }

  /** What has to be provoked is hit the first time. */
  #hitOf(point: string, most: number): number {
    return provocationOf(point) === null ? this.#random.between(1, most) : 1
  }

  #leastHit(points: readonly string[]): string {
    const hits = (point: string) => this.#hits.get(point) ?? 0
    const least = Math.min(...points.map(hits))
    return this.#random.pick(points.filter((point) => hits(point) <= least + 1))
  }
}
