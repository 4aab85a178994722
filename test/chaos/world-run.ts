import { setTimeout as sleep } from 'node:timers/promises'
import { type Arm, provocationOf } from './crash-points.ts'
import { type Complaints, complaintsAbout, isSettled } from './oracle.ts'
import { answerOf, type PlatformName, type Saying, type Shown } from './platform.ts'
import type { ChaosOptions, ChaosProgress } from './run-options.ts'
import type { Score } from './score.ts'
import type { SeededRandom } from './seeded-random.ts'
import { Trouble } from './trouble.ts'
import type { World } from './world.ts'

/** What became of one world of a run. */
export interface WorldReport {
  readonly faults: ReadonlyMap<string, number>
  readonly modelCalls: number
  readonly doubledVisibly: Readonly<Record<PlatformName, number>>
  readonly atRest: boolean
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
const HARM = 0.04
const HARM_AIMED = 0.3
/** Most answers in the life of a host that is killed anywhere. */
const CALM_ANSWERS = 240
/** A life without an answer ends after so long. */
const QUIET_MS = 15_000

/** One world under load, one host after the other, until the score is enough; then its books. */
export class WorldRun {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #options: ChaosOptions
  readonly #trouble: Trouble
  readonly #score: Score
  readonly #begun = performance.now()
  #lastWord = 0
  #doing: ChaosProgress['doing'] = 'load'
  #atRest = false

  constructor(world: World, random: SeededRandom, score: Score, options: ChaosOptions) {
    this.#world = world
    this.#random = random
    this.#score = score
    this.#options = options
    this.#trouble = new Trouble(world, random, score, options)
  }

  async run(): Promise<WorldReport> {
    const { platforms } = this.#world
    platforms.faults = CALL_FAULTS
    while (this.#more()) {
      this.#progress()
      await this.#life()
    }
    platforms.faults = 0
    this.#doing = 'settling'
    const complaints = await this.#settle()
    return {
      ...{
        faults: platforms.faultCounts,
        modelCalls: this.#world.modelCalls,
        atRest: this.#atRest,
        complaints,
      },
      doubledVisibly: {
        telegram: doubled(platforms.shown, 'telegram'),
        sure: doubled(platforms.shown, 'sure'),
      },
    }
  }

  #more(): boolean {
    const { stop, maxMs, minMs = 0 } = this.#options
    const passed = performance.now() - this.#begun
    return stop?.aborted !== true && passed <= maxMs && (passed <= minMs || !this.#score.enough)
  }

  get #seconds(): number {
    return Math.round((performance.now() - this.#begun) / 1000)
  }

  /** One host from its start to its death. */
  async #life(): Promise<void> {
    const arm = this.#score.fewMessages ? null : this.#trouble.nextArm()
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
      this.#score.said += 1
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
      this.#score.said += chats.length
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
    const { said, kills, rarest } = this.#score
    this.#options.say?.({
      ...{ seed: this.#options.seed, seconds: this.#seconds, messages: said, kills },
      ...{ rarest, doing: this.#doing },
    })
  }
}

/** Messages that stand in a chat of a platform more than once. */
function doubled(shown: readonly Shown[], platform: PlatformName): number {
  const answers = shown.filter((one) => one.platform === platform && answerOf(one.text) !== null)
  return answers.length - new Set(answers.map(({ chat, text }) => `${chat}:${text}`)).size
}
