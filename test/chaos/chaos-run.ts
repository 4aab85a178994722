import { setTimeout as sleep } from 'node:timers/promises'
import { type Arm, provocationOf } from './crash-points.ts'
import { type Complaints, complaintsAbout, isSettled } from './oracle.ts'
import { answerOf, type PlatformName, type Saying, type Shown } from './platform.ts'
import { SeededRandom } from './seeded-random.ts'
import { Trouble, type TroubleOptions } from './trouble.ts'
import { World, type WorldOptions } from './world.ts'

export interface ChaosOptions extends Partial<Omit<WorldOptions, 'random'>>, TroubleOptions {
  readonly seed: number
  /** The load ends when the time is over or all counts are reached. */
  readonly maxMs: number
  /** Though all counts are reached, it goes on so long. Default: 0. */
  readonly minMs?: number
  readonly kills: number
  readonly messages: number
  /** Deaths at each named point. Default: 0. */
  readonly eachPoint?: number
  /** Time for a quiet host to work off what is left. Default: four minutes. */
  readonly settleMs?: number
  /** Called about every ten seconds. */
  readonly say?: (progress: ChaosProgress) => void
  /** Ends the load early: what is on its way is worked off, and judged. */
  readonly stop?: AbortSignal
}

export interface ChaosProgress {
  readonly seed: number
  readonly seconds: number
  readonly messages: number
  readonly kills: number
  /** The named point that was hit least, and how often. */
  readonly rarest: readonly [point: string, hits: number]
  readonly doing: 'load' | 'settling'
}

export interface ChaosReport {
  readonly seed: number
  readonly messages: number
  readonly kills: number
  /** Kills, cuts and outages by what they hit, and jumps of the clock. */
  readonly harm: Readonly<Record<string, number>>
  /** How often something died at each named point. */
  readonly points: Readonly<Record<string, number>>
  readonly fewestHits: number
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

const CALL_FAULTS = 0.04
const SETTLE_MS = 240_000
/** Messages on their way at once, and not yet answered: enough that every stage always has work. */
const BACKLOG = 60
const MAX_OPEN = 300
const MAX_OPEN_AIMED = 40
const SAY_EVERY_MS = 10_000
/** Share of messages that bring a file, and that ask for one; and when a crash at a file is waited for. */
const FILES = 0.02
const MANY_FILES = 0.3
/** Chance of something else to break with each answer; when one point is aimed at. */
const HARM = 0.06
const HARM_AIMED = 0.3
/** Most answers in the life of a host that is killed anywhere. */
const CALM_ANSWERS = 120
/** A life without an answer ends after so long. */
const QUIET_MS = 8_000

/** A world, a load on it, and everything in it killed by turns; then what became of it. The seed decides all choices. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = new SeededRandom(options.seed)
  const world = new World({
    ...{ groups: 4, chatsPerGroup: 4, engine: 'process', mutation: null, smallDisk: false },
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
  readonly #begun = Date.now()
  #said = 0
  #lastWord = 0
  #doing: ChaosProgress['doing'] = 'load'
  #atRest = false

  constructor(world: World, random: SeededRandom, options: ChaosOptions) {
    this.#world = world
    this.#random = random
    this.#options = options
    this.#trouble = new Trouble(world, random, options)
  }

  async run(): Promise<ChaosReport> {
    const { platforms } = this.#world
    platforms.faults = CALL_FAULTS
    while (this.#more()) {
      this.#progress()
      await this.#life()
    }
    platforms.faults = 0
    this.#doing = 'settling'
    const enough = this.#enough()
    const complaints = await this.#settle()
    const { total, counts, points, rarest } = this.#trouble
    return {
      ...{ seed: this.#options.seed, messages: this.#said, kills: total, harm: counts, points },
      ...{ fewestHits: rarest[1], faults: Object.fromEntries(platforms.faultCounts) },
      modelCalls: this.#world.modelCalls,
      doubledVisibly: {
        telegram: doubled(platforms.shown, 'telegram'),
        sure: doubled(platforms.shown, 'sure'),
      },
      ...{ atRest: this.#atRest, enough, seconds: this.#seconds, complaints },
    }
  }

  #more(): boolean {
    const { stop, maxMs, minMs = 0 } = this.#options
    const passed = Date.now() - this.#begun
    return stop?.aborted !== true && passed <= maxMs && (passed <= minMs || !this.#enough())
  }

  #enough(): boolean {
    const { kills, messages, eachPoint = 0 } = this.#options
    const { total, rarest } = this.#trouble
    return total >= kills && this.#said >= messages && rarest[1] >= eachPoint
  }

  /** Of what is asked for, messages are further from their goal than deaths at named points. */
  get #fewMessages(): boolean {
    const { messages, points, eachPoint = 0 } = this.#options
    if (points !== undefined || messages === 0 || eachPoint === 0) return false
    const hits = Object.values(this.#trouble.points).map((count) => Math.min(1, count / eachPoint))
    return this.#said / messages < hits.reduce((sum, part) => sum + part, 0) / hits.length
  }

  get #seconds(): number {
    return Math.round((Date.now() - this.#begun) / 1000)
  }

  /** One host from its start to its death. */
  async #life(): Promise<void> {
    const arm = this.#fewMessages ? null : this.#trouble.nextArm()
    if (await this.#world.startHost(arm)) await this.#live(arm)
    this.#world.killHost()
    if (!(await this.#world.hostDied(30_000))) throw new Error('a killed host did not die')
    this.#world.platforms.failingSends = 0
    this.#trouble.hostDied()
  }

  /** Ends when the host has died, has done enough, or gets nothing done: a slow machine must not look like a kill. */
  async #live(arm: Arm | null): Promise<void> {
    const { platforms } = this.#world
    const provoked = arm ? provocationOf(arm.point) : null
    if (provoked === 'cold sandbox') await this.#trouble.killRunner()
    if (provoked === 'failing send') platforms.failingSends = 1
    const files = { in: provoked === 'file in' ? MANY_FILES : FILES, out: FILES }
    // A runner that is to die where it trims its outbox waits for one, too.
    if (provoked === 'file out' || this.#world.engine.awaits('file out')) files.out = MANY_FILES
    const enough =
      platforms.answered + (arm ? Number.POSITIVE_INFINITY : this.#random.between(1, CALM_ANSWERS))
    const last = { answered: platforms.answered, at: Date.now() }
    // A point that cannot be hit, as there are some with containers, must not be waited for for ever.
    while (
      this.#world.hostLives &&
      platforms.answered < enough &&
      Date.now() - last.at < QUIET_MS &&
      this.#more()
    ) {
      this.#talk(files)
      for (; last.answered < platforms.answered; last.answered++) {
        last.at = Date.now()
        if (this.#random.chance(this.#options.points ? HARM_AIMED : HARM)) await this.#trouble.harm()
      }
      await sleep(10)
    }
  }

  /** People go on writing, as long as not too much is on its way. */
  #talk(files: { readonly in: number; readonly out: number }): void {
    const { platforms, chats } = this.#world
    const most = this.#options.points ? MAX_OPEN_AIMED : MAX_OPEN
    for (let n = 0; n < 3 && platforms.waiting < BACKLOG && platforms.open < most; n++) {
      const chat = this.#random.pick(chats)
      this.#world.say(chat, this.#saying(chat.platform, files))
      this.#said += 1
    }
  }

  #saying(platform: PlatformName, files: { readonly in: number; readonly out: number }): Saying {
    if (this.#options.engine === 'docker') return 'words'
    // Only the one platform keeps files of people.
    if (platform === 'telegram' && this.#random.chance(files.in)) return 'file in'
    return this.#random.chance(files.out) ? 'file out' : 'words'
  }

  /** A quiet host works off what is left; then the books must balance. */
  async #settle(): Promise<Complaints> {
    const world = this.#world
    world.engine.arms.length = 0
    await world.startHost(null)
    this.#atRest = await this.#rest()
    if (!this.#atRest) return ['not at rest', ...complaintsAbout(world.platforms, world.dataDir)]
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
    for (; Date.now() < end; await sleep(100)) {
      if (isSettled(platforms, dataDir)) return true
      this.#progress()
    }
    return false
  }

  #progress(): void {
    if (Date.now() - this.#lastWord < SAY_EVERY_MS) return
    this.#lastWord = Date.now()
    const { total, rarest } = this.#trouble
    this.#options.say?.({
      ...{ seed: this.#options.seed, seconds: this.#seconds, messages: this.#said, kills: total },
      ...{ rarest, doing: this.#doing },
    })
  }
}

/** Messages that stand in a chat of a platform more than once. */
function doubled(shown: readonly Shown[], platform: PlatformName): number {
  const answers = shown.filter((one) => one.platform === platform && answerOf(one.text) !== null)
  return answers.length - new Set(answers.map(({ chat, text }) => `${chat}:${text}`)).size
}
