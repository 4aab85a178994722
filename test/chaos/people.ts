import type { Provocation } from './crash-points.ts'
import type { PlatformName, Saying } from './platform.ts'
import type { ChaosOptions } from './run-options.ts'
import type { Score } from './score.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Chat, World } from './world.ts'

/** Share of messages that bring a file, and that ask for one; and when a crash at a file is waited for. */
const FILES = 0.02
const MANY_FILES = 0.3
/** Where queues are bounded: how often one person floods, and with how much. */
const FLOODS = 0.004
const FLOOD = 30
/** A flood that was to lead to something and did not is made again after so many settled messages. */
const FLOOD_AGAIN = 60
const ASK_JUMP_MS = 7_200_000

/** What people say in one world, and with what they bring about what no ordinary message does. */
export class People {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #score: Score
  readonly #options: ChaosOptions
  readonly #asked = new Map<Chat, number>()
  /** By what becomes of too much, those that were flooded longest ago first. */
  readonly #toFlood: readonly Chat[][]
  readonly #files = { in: FILES, out: FILES }
  #floodedAt: number | null = null
  #scheduled = false
  /** Said since the host was started. */
  saidInLife = 0

  constructor(world: World, random: SeededRandom, score: Score, options: ChaosOptions) {
    this.#world = world
    this.#random = random
    this.#score = score
    this.#options = options
    this.#toFlood = (['summarise', 'reject'] as const).map((policy) =>
      world.chats.filter(({ whenFull }) => whenFull === policy),
    )
  }

  /** A host has begun to live; `wanted`: what it is to come by. `settled`: messages so far; `room`: not too much is open. */
  lifeBegins(wanted: readonly (Provocation | null)[], settled: number, room: boolean): void {
    this.saidInLife = 0
    this.#scheduled = false
    this.#files.in = wanted.includes('file in') ? MANY_FILES : FILES
    this.#files.out = FILES
    this.expect(wanted)
    if (wanted.includes('ask') && room) this.#ask()
    if (wanted.includes('agent')) this.#sayInEachGroup('agent')
    this.#floodedAt = wanted.includes('flood') ? Number.NEGATIVE_INFINITY : null
    this.goOn(settled)
  }

  /** Something that dies where an ordinary message does not come by was started meanwhile. */
  expect(wanted: readonly (Provocation | null)[]): void {
    if (wanted.includes('file out')) this.#files.out = MANY_FILES
    if (!wanted.includes('task') || this.#scheduled) return
    this.#scheduled = true
    this.#sayInEachGroup('task')
  }

  /** What was to be brought about is tried again. */
  goOn(settled: number): void {
    if (this.#floodedAt === null || settled < this.#floodedAt + FLOOD_AGAIN) return
    this.#floodedAt = settled
    for (const chats of this.#toFlood) {
      const chat = chats.shift()
      if (!chat) continue
      chats.push(chat)
      this.#flood(chat)
    }
  }

  /** Somebody writes. */
  saySomething(): void {
    const chat = this.#random.pick(this.#world.chats)
    this.#say(chat, this.#saying(chat.platform))
  }

  /** Where queues are bounded, somebody now and then says more than is waited with one by one. */
  mayFlood(): void {
    if (this.#world.bounded && this.#random.chance(FLOODS)) this.#flood(this.#random.pick(this.#world.chats))
  }

  #say(chat: Chat, saying: Saying): void {
    this.#world.say(chat, saying)
    this.saidInLife += 1
    this.#score.said += 1
  }

  #flood(chat: Chat): void {
    for (let n = 0; n < FLOOD; n++) this.#say(chat, 'words')
  }

  /** One chat of each group has its agent ask something; what is said there next is the answer. */
  #ask(): void {
    const { bounded, chats, platforms, groups } = this.#world
    // An agent may ask ten times an hour.
    this.#world.jumpClock(ASK_JUMP_MS)
    for (const group of groups) {
      const chat = chats.find((one) => one.group === group)
      const last = chat && this.#asked.get(chat)
      // Where it may have been refused, nobody waits for the answer.
      const waits = last !== undefined && chat && !platforms.isAnswered(chat.platform, chat.chat, last)
      if (!chat || (waits && !bounded)) continue
      this.#say(chat, 'ask')
      this.#asked.set(chat, platforms.said.get(`${chat.platform}:${chat.chat}`) ?? 0)
    }
  }

  /** One task in each group, or one question of each agent to the next one. */
  #sayInEachGroup(saying: 'task' | 'agent'): void {
    const { chats, groups } = this.#world
    for (const group of groups) {
      const chat = chats.find((one) => one.group === group)
      if (chat) this.#say(chat, saying)
    }
  }

  #saying(platform: PlatformName): Saying {
    if (this.#options.engine === 'docker') return 'words'
    // Only the one platform keeps files of people.
    if (platform === 'telegram' && this.#random.chance(this.#files.in)) return 'file in'
    return this.#random.chance(this.#files.out) ? 'file out' : 'words'
  }
}
