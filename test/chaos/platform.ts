import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './json-server.ts'
import type { SeededRandom } from './seeded-random.ts'

/** `telegram` speaks the Bot API and shows every call; `sure` knows a message by its key and shows it once. */
export type PlatformName = 'telegram' | 'sure'

interface Update {
  readonly id: number
  readonly chat: number
  readonly n: number
}

/** A message that people in a chat have seen. */
export interface Shown {
  readonly platform: PlatformName
  readonly chat: number
  readonly text: string
  readonly key: string | null
}

const POLL_MS = 1_000

/**
 * Two chat platforms that outlive every host: what was said is kept until its offset was named, what was shown stays.
 * With `faults` their network breaks before and after calls, answers late, and gives messages again.
 */
export class Platforms {
  readonly shown: Shown[] = []
  /** Everything said, by platform and chat: how many. */
  readonly said = new Map<string, number>()
  /** Share of calls that something happens to; 0 = a quiet world. */
  faults = 0
  /** While true, no call is answered. */
  down = false
  readonly faultCounts = new Map<string, number>()
  readonly #random: SeededRandom
  readonly #updates: Record<PlatformName, Update[]> = { telegram: [], sure: [] }
  readonly #keys = new Map<string, number>()
  #lastId = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** A person writes the next message of a chat. */
  say(platform: PlatformName, chat: number): void {
    const key = `${platform}:${chat}`
    const n = (this.said.get(key) ?? 0) + 1
    this.said.set(key, n)
    this.#updates[platform].push({ id: ++this.#lastId, chat, n })
  }

  /** Said and not yet acknowledged. */
  get waiting(): number {
    return this.#updates.telegram.length + this.#updates.sure.length
  }

  /** Answers a call of a channel; null when it is none of its. */
  async call(path: string, body: Record<string, unknown>): Promise<Answer | null> {
    const telegram = /^\/bot[^/]+\/(\w+)/.exec(path)?.[1]
    const sure = /^\/sure\/(\w+)/.exec(path)?.[1]
    if (telegram === undefined && sure === undefined) return null
    if (this.down) return 'broken'
    const sends = telegram === 'sendMessage' || sure === 'send'
    const fault = this.#random.chance(this.faults) ? this.#fault(sends) : 'none'
    if (fault === 'broken before') return 'broken'
    if (fault === 'late') await sleep(this.#random.between(20, 300))
    if (fault === 'slow down') return tooMany()
    const answer =
      telegram === undefined ? await this.#sure(sure ?? '', body) : await this.#telegram(telegram, body)
    if (fault === 'broken after') return 'broken'
    return fault === 'bad gateway'
      ? { status: 502, body: { ok: false, error_code: 502, description: 'bad gateway' } }
      : answer
  }

  #fault(sends: boolean): string {
    const kinds = ['broken before', 'broken after', 'late', 'late', 'bad gateway']
    const fault = this.#random.pick(sends ? [...kinds, 'slow down'] : kinds)
    this.faultCounts.set(fault, (this.faultCounts.get(fault) ?? 0) + 1)
    return fault
  }

  async #telegram(method: string, body: Record<string, unknown>): Promise<Answer> {
    switch (method) {
      case 'getMe':
        return ok({ id: 7, is_bot: true, first_name: 'chaos', username: 'chaos_bot' })
      case 'getUpdates':
        return ok((await this.#take('telegram', Number(body.offset ?? 0))).map(telegramUpdate))
      case 'sendMessage':
        return ok({
          message_id: this.#show('telegram', Number(body.chat_id), String(body.text), null),
          date: 1,
          chat: { id: Number(body.chat_id), type: 'private', first_name: 'chat' },
          text: String(body.text),
        })
      default:
        return ok(true)
    }
  }

  async #sure(method: string, body: Record<string, unknown>): Promise<Answer> {
    if (method === 'send') {
      const id = this.#show('sure', Number(body.chat), String(body.text), String(body.key))
      return { status: 200, body: { id } }
    }
    return { status: 200, body: { updates: await this.#take('sure', Number(body.offset ?? 0)) } }
  }

  /** Forgets what the offset acknowledges and gives what is there, now and then also something it gave before. */
  async #take(platform: PlatformName, offset: number): Promise<Update[]> {
    const queue = this.#updates[platform]
    const acknowledged = queue.findIndex(({ id }) => id >= offset)
    const gone = queue.splice(0, acknowledged < 0 ? queue.length : acknowledged)
    for (const end = Date.now() + POLL_MS; queue.length === 0 && Date.now() < end && !this.down; )
      await sleep(5)
    const batch = queue.slice(0, 20)
    const again = gone.at(-1)
    return again !== undefined && this.faults > 0 && this.#random.chance(0.02) ? [again, ...batch] : batch
  }

  #show(platform: PlatformName, chat: number, text: string, key: string | null): number {
    const known = key === null ? undefined : this.#keys.get(key)
    if (known !== undefined) return known
    const id = this.shown.push({ platform, chat, text, key })
    if (key !== null) this.#keys.set(key, id)
    return id
  }
}

/** The text of a person's message; the demo provider answers `demo: m CHAT N`. */
export function textOf(chat: number, n: number): string {
  return `m ${chat} ${n}`
}

function telegramUpdate({ id, chat, n }: Update) {
  return {
    update_id: id,
    message: {
      message_id: n,
      date: Math.floor(Date.now() / 1000),
      chat: { id: chat, type: 'private', first_name: `chat ${chat}` },
      from: { id: chat, is_bot: false, first_name: 'Ada' },
      text: textOf(chat, n),
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
