import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './json-server.ts'
import type { SeededRandom } from './seeded-random.ts'

/** `telegram` speaks the Bot API and shows every call; `sure` knows a message by its key and shows it once. */
export type PlatformName = 'telegram' | 'sure'

/** What a person sends: words, words with a file, words that ask for one, or that have the agent ask something: people, the host, or another agent. */
export type Saying = 'words' | 'file in' | 'file out' | 'ask' | 'task' | 'agent'

export interface Update {
  readonly id: number
  readonly chat: number
  readonly n: number
  readonly saying: Saying
  /** When it was said, by the platform's clock. */
  readonly at: number
}

/** A message that people in a chat have seen; of a file, its caption. */
export interface Shown {
  readonly platform: PlatformName
  readonly chat: number
  readonly text: string
  readonly key: string | null
}

const POLL_MS = 1_000
const NOTE_BYTES = 600
const WEEK_MIN = 10_080

/**
 * Two chat platforms that outlive every host: what was said is kept until its offset was named, what was shown stays.
 * With `faults` their network breaks before and after calls, answers late, and gives messages again.
 */
export class Platforms {
  readonly shown: Shown[] = []
  /** Everything said, by platform and chat: how many. */
  readonly said = new Map<string, number>()
  /** Which of them have the agent ask something, by platform, chat and number; the question is the answer. */
  readonly asks = new Set<string>()
  /** Share of calls that something happens to; 0 = a quiet world. */
  faults = 0
  /** No call is answered; or none of one platform, or no send of it. */
  down: boolean | 'telegram' | 'telegram sends' = false
  /** An answer takes so long to send. */
  sendMs = 0
  /** Answers that Telegram was asked to show. */
  sends = 0
  /** Of those that took their time: how many were under way with each, and had ended before it. */
  readonly slowSends: { readonly underWay: number; readonly ended: number }[] = []
  #underWay = 0
  /** What the platforms' clock is ahead of the true one. */
  aheadMs = 0
  /** So many of the next sends break before they are carried out. */
  failingSends = 0
  /** Passed when a platform is told up to where its messages were taken; true = the host was killed for it. */
  onAck: (point: string) => boolean = () => false
  readonly faultCounts = new Map<string, number>()
  readonly #random: SeededRandom
  readonly #updates: Record<PlatformName, Update[]> = { telegram: [], sure: [] }
  readonly #keys = new Map<string, number>()
  readonly #answered = new Set<string>()
  #lastId = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** A person writes the next message of a chat. */
  say(platform: PlatformName, chat: number, saying: Saying = 'words'): void {
    const key = `${platform}:${chat}`
    const n = (this.said.get(key) ?? 0) + 1
    if (saying === 'ask' || saying === 'task') this.asks.add(`${key}:${n}`)
    this.said.set(key, n)
    this.#updates[platform].push({ id: ++this.#lastId, chat, n, saying, at: Date.now() + this.aheadMs })
  }

  isAnswered(platform: PlatformName, chat: number, n: number): boolean {
    return this.#answered.has(`${platform}:${chat}:${n}`)
  }

  /** Messages that were answered. */
  get answered(): number {
    return this.#answered.size
  }

  /** Said and not yet answered, wherever it is. */
  get open(): number {
    return this.#lastId - this.#answered.size
  }

  /** Said and not yet acknowledged. */
  get waiting(): number {
    return this.#updates.telegram.length + this.#updates.sure.length
  }

  /** Answers a call of a channel; null when it is none of its. */
  async call(path: string, body: Record<string, unknown>): Promise<Answer | null> {
    const telegram = /^(?:\/file)?\/bot[^/]+\/(\w+)/.exec(path)?.[1]
    const sure = /^\/sure\/(\w+)/.exec(path)?.[1]
    if (telegram === undefined && sure === undefined) return null
    const sends = /^send(?:Message|Document)$/.test(telegram ?? '') || sure === 'send'
    const answers = sends && answerOf(String(body.text ?? body.caption)) !== null
    if (answers && telegram !== undefined) this.sends += 1
    if (this.#isDown(telegram !== undefined, sends)) return 'broken'
    if (answers && this.sendMs > 0) await this.#takeTime()
    if (sends && this.failingSends > 0) {
      this.failingSends -= 1
      return 'broken'
    }
    const fault = this.#random.chance(this.faults) ? this.#fault(sends) : 'none'
    if (fault === 'broken before') return 'broken'
    if (fault === 'late') await sleep(this.#random.between(20, 300))
    if (fault === 'slow down') return tooMany()
    const answer =
      telegram === undefined ? await this.#sure(sure ?? '', body) : await this.#telegram(telegram, path, body)
    if (fault === 'broken after') return 'broken'
    return fault === 'bad gateway'
      ? { status: 502, body: { ok: false, error_code: 502, description: 'bad gateway' } }
      : answer
  }

  #isDown(telegram: boolean, sends: boolean): boolean {
    if (typeof this.down === 'boolean') return this.down
    return telegram && (sends || this.down === 'telegram')
  }

  async #takeTime(): Promise<void> {
    this.#underWay += 1
    const underWay = this.#underWay
    this.slowSends.push({ underWay, ended: this.slowSends.length + 1 - underWay })
    await sleep(this.sendMs)
    this.#underWay -= 1
  }

  #fault(sends: boolean): string {
    const kinds = ['broken before', 'broken after', 'late', 'late', 'bad gateway']
    const fault = this.#random.pick(sends ? [...kinds, 'slow down'] : kinds)
    this.faultCounts.set(fault, (this.faultCounts.get(fault) ?? 0) + 1)
    return fault
  }

  async #telegram(method: string, path: string, body: Record<string, unknown>): Promise<Answer> {
    switch (method) {
      case 'getMe':
        return ok({ id: 7, is_bot: true, first_name: 'chaos', username: 'chaos_bot' })
      case 'getUpdates': {
        const updates = await this.#take('telegram', Number(body.offset ?? 0))
        return updates === 'broken' ? updates : ok(updates.map(telegramUpdate))
      }
      case 'sendMessage':
      case 'sendDocument': {
        const [chat, text] = [Number(body.chat_id), String(body.text ?? body.caption)]
        return ok({
          message_id: this.#show('telegram', chat, text, null),
          date: 1,
          chat: { id: chat, type: 'private', first_name: 'chat' },
          text,
        })
      }
      case 'getFile': {
        const file = { file_id: String(body.file_id), file_unique_id: String(body.file_id) }
        return ok({ ...file, file_path: `documents/${file.file_id}`, file_size: NOTE_BYTES })
      }
      case 'documents':
        return { status: 200, body: Buffer.alloc(NOTE_BYTES, path) }
      default:
        return ok(true)
    }
  }

  async #sure(method: string, body: Record<string, unknown>): Promise<Answer> {
    if (method === 'send') {
      const id = this.#show('sure', Number(body.chat), String(body.text), String(body.key))
      return { status: 200, body: { id } }
    }
    const updates = await this.#take('sure', Number(body.offset ?? 0))
    return updates === 'broken' ? updates : { status: 200, body: { updates } }
  }

  /** Forgets what the offset acknowledges and gives what is there, now and then also something it gave before. */
  async #take(platform: PlatformName, offset: number): Promise<Update[] | 'broken'> {
    const queue = this.#updates[platform]
    const first = queue.findIndex(({ id }) => id >= offset)
    const acknowledged = first < 0 ? queue.length : first
    if (acknowledged > 0 && this.onAck(`before ${platform}.ack`)) return 'broken'
    const gone = queue.splice(0, acknowledged)
    if (acknowledged > 0 && this.onAck(`after ${platform}.ack`)) return 'broken'
    for (const end = Date.now() + POLL_MS; queue.length === 0 && Date.now() < end && this.down !== true; )
      await sleep(5)
    const batch = queue.slice(0, 20)
    const again = gone.at(-1)
    return again !== undefined && this.faults > 0 && this.#random.chance(0.02) ? [again, ...batch] : batch
  }

  #show(platform: PlatformName, chat: number, text: string, key: string | null): number {
    const known = key === null ? undefined : this.#keys.get(key)
    if (known !== undefined) return known
    const id = this.shown.push({ platform, chat, text, key })
    for (const n of answersIn(text)) this.#answered.add(`${platform}:${chat}:${n}`)
    if (key !== null) this.#keys.set(key, id)
    return id
  }
}

/** Of the demo provider: words, a file's caption, or a line that says why there is no file; in JSON, too, after `\\n`. */
const ANSWER = /m[ -](\d+)[ -](\d+)(?!\d)/g

/**
 * Numbers of the messages that a text answers, within its chat: those that shared a turn share an answer. What an agent
 * echoes of how a question of its own ended is no answer to the message that made it ask.
 */
export function answersIn(text: string): readonly number[] {
  if (text.includes('About your question')) return []
  return [...new Set([...text.matchAll(ANSWER)].map((found) => Number(found[2])))]
}

/** The first of them; null when it answers none. */
export function answerOf(text: string): number | null {
  return answersIn(text)[0] ?? null
}

/** The file that a person asks for; it has to lie in the agent's workspace. */
export function wantedFile(chat: number, n: number): string {
  return `m-${chat}-${n}.txt`
}

/**
 * The text of a person's message; the demo provider answers `demo: m CHAT N`, sends the file `m-CHAT-N.txt`, asks
 * `m CHAT N`, makes a task of that name, or asks another agent.
 */
export function textOf({ chat, n, saying }: Update): string {
  if (saying === 'ask')
    return `/demo tool ask_user {"question":"m ${chat} ${n}","free_text":true,"timeout_minutes":${WEEK_MIN}}`
  // It runs once, soon, and leaves the agent asleep.
  const task = {
    name: `m ${chat} ${n}`,
    prompt: 'x',
    in_minutes: 0.02,
    script: 'echo \'{"wakeAgent":false}\'',
  }
  // The answer to it is that there is no tool of its name; what the other agent says comes in a turn of its own.
  const group = Math.floor(chat / 1_000)
  const request = { to: `chaos-${group === 0 ? 1 : group - 1}`, message: `for ${chat} ${n}` }
  if (saying === 'agent') return `/demo tool send_to_agent ${JSON.stringify(request)}\nm-${chat}-${n}`
  if (saying === 'task') return `/demo tool schedule_task ${JSON.stringify(task)}`
  return saying === 'file out' ? `/demo file ${wantedFile(chat, n)}` : `m ${chat} ${n}`
}

function telegramUpdate(update: Update) {
  const { id, chat, n, saying, at } = update
  const file = {
    file_id: `f-${chat}-${n}`,
    file_unique_id: `${id}`,
    file_name: 'note.txt',
    file_size: NOTE_BYTES,
  }
  return {
    update_id: id,
    message: {
      message_id: n,
      date: Math.floor(at / 1000),
      chat: { id: chat, type: 'private', first_name: `chat ${chat}` },
      from: { id: chat, is_bot: false, first_name: 'Ada' },
      ...(saying === 'file in' ? { caption: textOf(update), document: file } : { text: textOf(update) }),
    },
  }
}

function ok(result: unknown): Answer {
  return { status: 200, body: { ok: true, result } }
}

function tooMany(): Answer {
  const description = 'Too Many Requests: retry after 1'
  const body = { ok: false, error_code: 429, description, parameters: { retry_after: 1 } }
  return { status: 429, body }
}
