import type { OutboxEntry } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import { type EventLog, errorText } from './log.ts'

const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2_000

/** What the runner needs of the outbox; OutboxWriter is the real one. */
export interface Outbox {
  append(entries: readonly OutboxEntry[], at: number): number
  attempts(inboxSeq: number): number
  settled(): Set<number>
  sent(inboxSeq: number): Set<string>
  prune(seq: number, oldestInboxSeq: number): void
  namedFiles(): Set<string>
}

/** Puts entries into the outbox and rings for them. */
export class OutboxCommits {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #log: EventLog
  readonly #ring: () => void

  constructor(options: { outbox: Outbox; clock: Clock; log: EventLog; ring: () => void }) {
    this.#outbox = options.outbox
    this.#clock = options.clock
    this.#log = options.log
    this.#ring = options.ring
  }

  /**
   * Appends all entries or none. Tries at least once, and again (full disk, lock held) until `stopping` aborts; false
   * when it had to be given up. The first try is made before this returns.
   */
  async commit(entries: readonly OutboxEntry[], stopping: AbortSignal): Promise<boolean> {
    for (let wait = RETRY_MIN_MS; !this.#tried(entries, wait); wait = Math.min(wait * 2, RETRY_MAX_MS)) {
      if (stopping.aborted) return false
      await rest(this.#clock, wait, stopping)
    }
    return true
  }

  /** One try; false when it failed. For entries that may be lost. */
  offer(entry: OutboxEntry): boolean {
    return this.#tried([entry], RETRY_MIN_MS)
  }

  #tried(entries: readonly OutboxEntry[], wait: number): boolean {
    try {
      this.#outbox.append(entries, this.#clock.now())
    } catch (error) {
      if (wait === RETRY_MIN_MS) this.#log('commit_failed', { error: errorText(error) })
      return false
    }
    this.#ring()
    return true
  }
}
