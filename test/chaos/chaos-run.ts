import { setTimeout as sleep } from 'node:timers/promises'
import { type Arm, HOST_POINTS, RUNNER_POINTS } from './crash-points.ts'
import { type Complaints, complaintsAbout, isSettled } from './oracle.ts'
import { SeededRandom } from './seeded-random.ts'
import { World } from './world.ts'

export interface ChaosOptions {
  readonly seed: number
  /** The run ends when the time is over or both counts are reached. */
  readonly maxMs: number
  readonly kills: number
  readonly messages: number
  readonly groups?: number
  readonly chatsPerGroup?: number
  readonly engine?: 'process' | 'docker'
  readonly mutation?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called about every ten seconds. */
  readonly say?: (line: string) => void
  /** How a container is killed; processes of the world are killed by the world. */
  readonly killSandbox?: (group: string) => Promise<void>
}

export interface ChaosReport {
  readonly seed: number
  readonly messages: number
  readonly kills: Readonly<Record<'host' | 'runner' | 'engine' | 'platform' | 'clock', number>>
  /** How often something died at each named point. */
  readonly points: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly doubledVisibly: number
  readonly seconds: number
  readonly complaints: Complaints
}

const CALL_FAULTS = 0.04
const SETTLE_LIMIT_MS = Number(process.env.SETTLE ?? 240_000)
/** Messages on their way at once: enough that every stage always has work. */
const BACKLOG = 60

/** A world, a load on it, and everything in it killed by turns; then what became of it. The seed decides all choices. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = new SeededRandom(options.seed)
  const world = new World({
    random,
    groups: options.groups ?? 5,
    chatsPerGroup: options.chatsPerGroup ?? 4,
    engine: options.engine ?? 'process',
    mutation: options.mutation ?? null,
    ...(options.env ? { env: options.env } : {}),
  })
  try {
    await world.prepare()
    return await new ChaosRun(world, random, options).run()
  } finally {
    await world[Symbol.asyncDispose]()
  }
}

class ChaosRun {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #options: ChaosOptions
  readonly #kills = { host: 0, runner: 0, engine: 0, platform: 0, clock: 0 }
  readonly #hostHits = new Map<string, number>(HOST_POINTS.map((point) => [point, 0]))
  #said = 0
  #lastWord = 0

  constructor(world: World, random: SeededRandom, options: ChaosOptions) {
    this.#world = world
    this.#random = random
    this.#options = options
  }

  async run(): Promise<ChaosReport> {
    const begun = Date.now()
    const { platforms } = this.#world
    platforms.faults = CALL_FAULTS
    while (this.#more(begun)) {
      this.#progress(begun)
      await this.#life()
    }
    platforms.faults = 0
    const complaints = await this.#settle()
    const points = Map.groupBy(this.#world.crashes(), (point) => point)
    return {
      seed: this.#options.seed,
      messages: this.#said,
      kills: this.#kills,
      points: Object.fromEntries(
        [...HOST_POINTS, ...RUNNER_POINTS].map((point) => [point, points.get(point)?.length ?? 0]),
      ),
      faults: Object.fromEntries(platforms.faultCounts),
      doubledVisibly: doubled(platforms.shown),
      seconds: Math.round((Date.now() - begun) / 1000),
      complaints,
    }
  }

  #more(begun: number): boolean {
    if (Date.now() - begun > this.#options.maxMs) return false
    return this.#total() < this.#options.kills || this.#said < this.#options.messages
  }

  #total(): number {
    const { host, runner, engine, platform } = this.#kills
    return host + runner + engine + platform
  }

  /** One host from its start to its death. */
  async #life(): Promise<void> {
    const arm = this.#random.chance(0.7) ? this.#nextArm() : null
    const before = this.#world.crashes().length
    const ready = await this.#world.startHost(arm)
    if (ready) await this.#trouble(arm)
    this.#world.killHost()
    await this.#world.hostDied(5_000)
    this.#kills.host += 1
    for (const point of this.#world.crashes().slice(before)) {
      if (this.#hostHits.has(point)) this.#hostHits.set(point, (this.#hostHits.get(point) ?? 0) + 1)
      else this.#kills.runner += 1
    }
  }

  /** The point that was hit least so far. */
  #nextArm(): Arm {
    const least = Math.min(...this.#hostHits.values())
    const point = this.#random.pick(
      [...this.#hostHits].filter(([, n]) => n <= least + 1).map(([name]) => name),
    )
    return { point, hit: point.endsWith('prune') ? 1 : this.#random.between(1, 12) }
  }

  async #trouble(arm: Arm | null): Promise<void> {
    const end = Date.now() + (arm ? 4_000 : this.#random.between(100, 1_500))
    while (this.#world.hostLives && Date.now() < end) {
      this.#talk()
      if (this.#random.chance(0.02)) await this.#harm()
      await sleep(10)
    }
  }

  /** People go on writing, as long as not too much is on its way. */
  #talk(): void {
    const { platforms, chats } = this.#world
    for (let n = 0; n < 3 && platforms.waiting < BACKLOG; n++) {
      const { platform, chat } = this.#random.pick(chats)
      platforms.say(platform, chat)
      this.#said += 1
    }
  }

  /** Something else than the host breaks. */
  async #harm(): Promise<void> {
    const { engine, platforms, groups } = this.#world
    const what = this.#random.pick([
      'runner',
      'runner',
      'armed runner',
      'armed runner',
      'engine',
      'platform',
      'clock',
    ])
    switch (what) {
      case 'runner':
        return await this.#killRunner(this.#random.pick(groups))
      case 'armed runner': {
        engine.arms.push({ point: this.#random.pick(RUNNER_POINTS), hit: this.#random.between(1, 4) })
        return await this.#killRunner(this.#random.pick(groups))
      }
      case 'engine':
        // As when the machine's engine dies with all it runs, and comes back.
        engine.down = true
        if (this.#random.chance(0.5)) for (const group of engine.running()) engine.kill(group)
        await sleep(this.#random.between(50, 400))
        engine.down = false
        this.#kills.engine += 1
        return
      case 'platform':
        platforms.down = true
        await sleep(this.#random.between(50, 400))
        platforms.down = false
        this.#kills.platform += 1
        return
      default:
        this.#world.jumpClock(this.#random.between(-3_600_000, 3_600_000))
        this.#kills.clock += 1
    }
  }

  async #killRunner(group: string): Promise<void> {
    if (this.#options.killSandbox) await this.#options.killSandbox(group)
    else this.#world.engine.kill(group)
    this.#kills.runner += 1
  }

  /** A quiet host works off what is left; then the books must balance. */
  async #settle(): Promise<Complaints> {
    const world = this.#world
    world.engine.arms.length = 0
    await world.startHost(null)
    if (!(await this.#rest())) {
      return [
        `not at rest after ${SETTLE_LIMIT_MS / 1000} s`,
        ...complaintsAbout(world.platforms, world.dataDir),
      ]
    }
    const leaks = await this.#leaks()
    const complaints = complaintsAbout(world.platforms, world.dataDir)
    await world.stopHost()
    const left = world.engine.running()
    const orphans = left.length === 0 ? [] : [`sandboxes left running: ${left.join(', ')}`]
    return [...complaints, ...leaks, ...orphans]
  }

  /** The same work again must not leave more open files behind. */
  async #leaks(): Promise<Complaints> {
    const { platforms, chats } = this.#world
    const round = async () => {
      for (const { platform, chat } of chats) platforms.say(platform, chat)
      this.#said += chats.length
      await this.#rest()
      await sleep(1_200)
      return this.#world.hostHandles()
    }
    await round()
    const before = await round()
    for (let n = 0; n < 5; n++) await round()
    const after = await round()
    return after > before + 5 ? [`open files of the host grew from ${before} to ${after}: leaked`] : []
  }

  async #rest(): Promise<boolean> {
    const { platforms, dataDir } = this.#world
    for (const end = Date.now() + SETTLE_LIMIT_MS; Date.now() < end; await sleep(100)) {
      const t0 = performance.now(); const is = isSettled(platforms, dataDir); const dt = performance.now() - t0; if (dt > 300) console.log('SLOW isSettled', dt); if (is) return true
    }
    return false
  }

  #progress(begun: number): void {
    if (Date.now() - this.#lastWord < 10_000) return
    this.#lastWord = Date.now()
    const seconds = Math.round((Date.now() - begun) / 1000)
    this.#options.say?.(
      `${seconds} s: ${this.#said} messages, ${this.#total()} kills (seed ${this.#options.seed})`,
    )
  }
}

/** Messages that stand in a chat more than once. */
function doubled(shown: readonly { platform: string; chat: number; text: string }[]): number {
  const seen = new Set(shown.map(({ platform, chat, text }) => `${platform}:${chat}:${text}`))
  return shown.length - seen.size
}
