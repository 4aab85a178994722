import { setTimeout as sleep } from 'node:timers/promises'
import type { Arm } from './crash-points.ts'
import { type Complaints, complaintsAbout, isSettled } from './oracle.ts'
import { SeededRandom } from './seeded-random.ts'
import { Trouble, type TroubleOptions } from './trouble.ts'
import { World, type WorldOptions } from './world.ts'

export interface ChaosOptions extends Partial<Omit<WorldOptions, 'random'>>, TroubleOptions {
  readonly seed: number
  /** The load ends when the time is over or all counts are reached. */
  readonly maxMs: number
  readonly kills: number
  readonly messages: number
  /** Deaths at each named point. Default: 0. */
  readonly eachPoint?: number
  /** Time for a quiet host to work off what is left. Default: four minutes. */
  readonly settleMs?: number
  /** Called about every ten seconds. */
  readonly say?: (line: string) => void
}

export interface ChaosReport {
  readonly seed: number
  readonly messages: number
  readonly kills: number
  readonly harm: Readonly<Record<string, number>>
  /** How often something died at each named point. */
  readonly points: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  /** Messages that stand in a chat twice, each marked as possibly so. */
  readonly doubledVisibly: number
  readonly seconds: number
  readonly complaints: Complaints
}

const CALL_FAULTS = 0.04
const SETTLE_MS = 240_000
/** Messages on their way at once: enough that every stage always has work. */
const BACKLOG = 60
const SAY_EVERY_MS = 10_000

/** A world, a load on it, and everything in it killed by turns; then what became of it. The seed decides all choices. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = new SeededRandom(options.seed)
  const world = new World({
    ...{ groups: 5, chatsPerGroup: 4, engine: 'process', mutation: null, smallDisk: false },
    ...options,
    random,
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
  readonly #trouble: Trouble
  #said = 0
  #lastWord = 0

  constructor(world: World, random: SeededRandom, options: ChaosOptions) {
    this.#world = world
    this.#random = random
    this.#options = options
    this.#trouble = new Trouble(world, random, options)
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
    const { total, counts, points } = this.#trouble
    return {
      ...{ seed: this.#options.seed, messages: this.#said, kills: total, harm: counts, points },
      faults: Object.fromEntries(platforms.faultCounts),
      doubledVisibly: doubled(platforms.shown),
      seconds: Math.round((Date.now() - begun) / 1000),
      complaints,
    }
  }

  #more(begun: number): boolean {
    if (Date.now() - begun > this.#options.maxMs) return false
    const { kills, messages, eachPoint = 0 } = this.#options
    const { total, points } = this.#trouble
    return total < kills || this.#said < messages || Object.values(points).some((hits) => hits < eachPoint)
  }

  /** One host from its start to its death. */
  async #life(): Promise<void> {
    const arm = this.#trouble.nextArm()
    if (await this.#world.startHost(arm)) await this.#live(arm)
    this.#world.killHost()
    if (!(await this.#world.hostDied(5_000))) throw new Error('a killed host did not die')
    this.#trouble.hostDied()
  }

  async #live(arm: Arm | null): Promise<void> {
    const end = Date.now() + (arm ? 4_000 : this.#random.between(100, 1_500))
    if (arm?.point.endsWith('engine.start')) await this.#trouble.killRunner()
    while (this.#world.hostLives && Date.now() < end) {
      this.#talk()
      if (this.#random.chance(0.02)) await this.#trouble.harm()
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

  /** A quiet host works off what is left; then the books must balance. */
  async #settle(): Promise<Complaints> {
    const world = this.#world
    world.engine.arms.length = 0
    await world.startHost(null)
    if (!(await this.#rest())) return ['not at rest', ...complaintsAbout(world.platforms, world.dataDir)]
    const before = complaintsAbout(world.platforms, world.dataDir)
    if (before.length > 0) return before
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
      // Connections that are kept open for a second go.
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
    const end = Date.now() + (this.#options.settleMs ?? SETTLE_MS)
    for (; Date.now() < end; await sleep(100)) if (isSettled(platforms, dataDir)) return true
    return false
  }

  #progress(begun: number): void {
    if (Date.now() - this.#lastWord < SAY_EVERY_MS) return
    this.#lastWord = Date.now()
    const seconds = Math.round((Date.now() - begun) / 1000)
    const { total } = this.#trouble
    this.#options.say?.(`${seconds} s: ${this.#said} messages, ${total} kills (seed ${this.#options.seed})`)
  }
}

/** Messages that stand in a chat more than once. */
function doubled(shown: readonly { platform: string; chat: number; text: string }[]): number {
  const answers = shown.filter(({ text }) => text.startsWith('demo: m '))
  const seen = new Set(answers.map(({ platform, chat, text }) => `${platform}:${chat}:${text}`))
  return answers.length - seen.size
}
