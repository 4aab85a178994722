import { setTimeout as sleep } from 'node:timers/promises'
import { type Arm, type Provocation, provocationOf } from './crash-points.ts'
import { type Complaints, complaintsAbout, isSettled, progressOf } from './oracle.ts'
import { People } from './people.ts'
import { answerOf, type PlatformName, type Shown } from './platform.ts'
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
const CATCH_UP_MS = 20_000
/** Messages on their way at once, and not yet answered: enough that every stage always has work. */
const BACKLOG = 60
const MAX_OPEN = 300
const MAX_OPEN_AIMED = 40
/** The same for one that dies at a named point, once there were messages enough. */
const BACKLOG_SOON = 20
const MAX_OPEN_SOON = 40
/** Said in each life, though more than that is on its way: where messages come in something is to die, too. */
const AT_LEAST = 10
const SAY_EVERY_MS = 10_000
/** Chance of something else to break with each answer; when one point is aimed at. */
const HARM = 0.025
const HARM_AIMED = 0.3
/** Most answers in the life of a host that is killed anywhere, and of one that does not come by its named point. */
const CALM_ANSWERS = 240
const IN_VAIN_ANSWERS = 300
const COUNT_EVERY_MS = 100
/** More files open so many times in a row is no chance. */
const MOST_GROWTHS = 6
/** Longer than a platform may be silent, and than it takes until who said too much is heard again. */
const CALM_MS = 90_000
/** A life without an answer ends after so long. */
const QUIET_MS = 15_000

/** One world under load, one host after the other, until the score is enough; then its books. */
export class WorldRun {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #options: ChaosOptions
  readonly #trouble: Trouble
  readonly #score: Score
  readonly #people: People
  readonly #begun = performance.now()
  #counted = { at: Number.NEGATIVE_INFINITY, settled: 0, open: 0 }
  #lastWord = 0
  #doing: ChaosProgress['doing'] = 'load'
  #atRest = false

  constructor(world: World, random: SeededRandom, score: Score, options: ChaosOptions) {
    this.#world = world
    this.#random = random
    this.#score = score
    this.#options = options
    this.#trouble = new Trouble(world, random, score, options)
    this.#people = new People(world, random, score, options)
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
    this.#people.lifeBegins([provoked, ...this.#awaited], this.#done, this.#open < MAX_OPEN)
    const enough = this.#done + (arm ? IN_VAIN_ANSWERS : this.#random.between(1, CALM_ANSWERS))
    const last = { answered: this.#done, at: Date.now() }
    // A point that cannot be hit, as there are some with containers, must not be waited for for ever.
    while (this.#world.hostLives && this.#done < enough && Date.now() - last.at < QUIET_MS && this.#more()) {
      this.#talk()
      this.#people.goOn(this.#done)
      for (; last.answered < this.#done; last.answered++) {
        last.at = Date.now()
        if (!this.#random.chance(this.#options.points ? HARM_AIMED : HARM)) continue
        await this.#trouble.harm()
        this.#people.expect(this.#awaited)
      }
      await sleep(10)
    }
  }

  /** A runner that is to die where it calls the host or trims its outbox waits for that. */
  get #awaited(): readonly Provocation[] {
    return (['task', 'file out'] as const).filter((what) => this.#world.engine.awaits(what))
  }

  /** People go on writing, as long as not too much is on its way. */
  #talk(): void {
    const { platforms } = this.#world
    const few = this.#score.fewMessages
    const most = this.#options.points ? MAX_OPEN_AIMED : few ? MAX_OPEN : MAX_OPEN_SOON
    const backlog = few ? BACKLOG : BACKLOG_SOON
    const room = () => this.#open < most || (this.#people.saidInLife < AT_LEAST && this.#open < 2 * MAX_OPEN)
    for (let n = 0; n < 3 && platforms.waiting < backlog && room(); n++) this.#people.saySomething()
    if (this.#open < most) this.#people.mayFlood()
  }

  /** Messages that are settled. Where not each has an answer of its own, the tables know, and are asked now and then. */
  get #done(): number {
    return this.#world.bounded ? this.#fromTables().settled : this.#world.platforms.answered
  }

  /** Messages on their way. */
  get #open(): number {
    const { bounded, platforms } = this.#world
    return bounded ? platforms.waiting + this.#fromTables().open : platforms.open
  }

  #fromTables(): { readonly settled: number; readonly open: number } {
    if (performance.now() - this.#counted.at > COUNT_EVERY_MS)
      this.#counted = { at: performance.now(), ...progressOf(this.#world.dataDir) }
    return this.#counted
  }

  /** A quiet host works off what is left; then the books must balance. */
  async #settle(): Promise<Complaints> {
    const world = this.#world
    world.engine.arms.length = 0
    await world.startHost(null)
    this.#atRest = await this.#rest()
    if (!this.#atRest)
      return ['not at rest', ...complaintsAbout(world.platforms, world.dataDir, world.bounded)]
    const before = complaintsAbout(world.platforms, world.dataDir, world.bounded)
    if (before.length > 0) return before
    const leaks = await this.#leaks()
    const complaints = complaintsAbout(world.platforms, world.dataDir, world.bounded)
    await world.stopHost()
    const left = world.engine.running()
    const orphans = left.length === 0 ? [] : [`sandboxes left running: ${left.join(', ')}`]
    return [...complaints, ...leaks, ...orphans]
  }

  /** The same work again must not leave more open files behind. */
  async #leaks(): Promise<Complaints> {
    const { platforms, chats } = this.#world
    const round = async () => {
      // What was too much is long ago, and when people's clocks are is known: nothing is refused now.
      if (this.#world.bounded) this.#world.jumpClock(CALM_MS)
      for (const { platform, chat } of chats) platforms.say(platform, chat)
      this.#score.said += chats.length
      await this.#rest()
      // Connections that are kept open for a second go.
      await sleep(1_200)
      return this.#world.hostHandles()
    }
    await round()
    const counts = [await round()]
    // What a pool has opened once it keeps; what leaks goes on growing.
    const grows = () => (counts.at(-1) ?? 0) > (counts.at(-2) ?? Number.NEGATIVE_INFINITY) + 1
    while (grows() && counts.length < MOST_GROWTHS) {
      for (let n = 0; n < 5; n++) await round()
      counts.push(await round())
    }
    return grows() ? [`open files of the host grew: ${counts.join(', ')}: leaked`] : []
  }

  async #rest(): Promise<boolean> {
    const { platforms, dataDir } = this.#world
    const begun = Date.now()
    const end = begun + (this.#options.settleMs ?? SETTLE_MS)
    for (let late = false; Date.now() < end; await sleep(100)) {
      if (isSettled(platforms, dataDir)) return true
      // A task for a time that was then set back by hours is not lost, but nobody waits for it.
      if (!late && Date.now() > begun + CATCH_UP_MS) {
        late = true
        this.#world.clockCatchesUp()
      }
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
