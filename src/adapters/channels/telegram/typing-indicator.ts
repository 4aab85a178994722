import type { ChatAddress } from '../../../domain/message.ts'

/** Telegram shows an action for five seconds. */
const EVERY_MS = 4_000
/** An indicator that nobody renews ends by itself, so that it cannot outlive its turn for long. */
const MAX_TICKS = 15
const MAX_CHATS = 200

interface Shown {
  readonly timer: NodeJS.Timeout
  ticksLeft: number
  stopped: boolean
}

/**
 * Keeps "typing …" alive in the chats where an agent works: at most one action every 4 s per chat, ended by
 * `hide`, or after 60 s without a new `show`. Never throws; holds no more than 200 chats.
 */
export class TypingIndicator {
  readonly #send: (to: ChatAddress) => Promise<void>
  readonly #shown = new Map<string, Shown>()

  /** `send` reports its own failures and does not reject. */
  constructor(send: (to: ChatAddress) => Promise<void>) {
    this.#send = send
  }

  show(to: ChatAddress): void {
    const key = keyOf(to)
    const shown = this.#shown.get(key)
    if (shown !== undefined) {
      shown.ticksLeft = MAX_TICKS
      shown.stopped = false
      return
    }
    if (this.#shown.size >= MAX_CHATS) return
    const timer = setInterval(() => this.#tick(to), EVERY_MS)
    timer.unref()
    this.#shown.set(key, { timer, ticksLeft: MAX_TICKS, stopped: false })
    void this.#send(to)
  }

  /** The entry stays until its next tick, so that a quick `show` does not send too early. */
  hide(to: ChatAddress): void {
    const shown = this.#shown.get(keyOf(to))
    if (shown !== undefined) shown.stopped = true
  }

  stop(): void {
    for (const shown of this.#shown.values()) clearInterval(shown.timer)
    this.#shown.clear()
  }

  #tick(to: ChatAddress): void {
    const shown = this.#shown.get(keyOf(to))
    if (shown === undefined) return
    shown.ticksLeft -= 1
    if (shown.stopped || shown.ticksLeft <= 0) {
      clearInterval(shown.timer)
      this.#shown.delete(keyOf(to))
      return
    }
    void this.#send(to)
  }
}

function keyOf(to: ChatAddress): string {
  return `${to.chat}/${to.thread ?? ''}`
}
