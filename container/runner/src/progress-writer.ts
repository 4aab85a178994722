import type { OutboxEntry } from '@creel/protocol'
import { type Clock, rest } from './clock.ts'
import { mayBeNoReply } from './reply-text.ts'
import type { TurnRecord } from './turn-record.ts'

const EVERY_MS = 250

/** Writes what a running turn has said so far, at most once per 250 ms. Best effort. */
export class ProgressWriter {
  readonly #inboxSeq: number
  readonly #record: TurnRecord
  readonly #chat: 'private' | 'group'
  readonly #clock: Clock
  readonly #offer: (entry: OutboxEntry) => void
  readonly #ended = new AbortController()
  #written = ''
  #nextAt = 0
  #waiting = false

  constructor(options: {
    inboxSeq: number
    record: TurnRecord
    /** Kind of the chat that it is shown in. */
    chat: 'private' | 'group'
    clock: Clock
    offer: (entry: OutboxEntry) => void
  }) {
    this.#inboxSeq = options.inboxSeq
    this.#record = options.record
    this.#chat = options.chat
    this.#clock = options.clock
    this.#offer = options.offer
  }

  /** The record may have changed. */
  update(): void {
    if (this.#waiting || this.#state() === this.#written) return
    const wait = this.#nextAt - this.#clock.now()
    if (wait <= 0) {
      this.#write()
      return
    }
    // So that the last words appear too when the provider then falls silent.
    this.#waiting = true
    void rest(this.#clock, Math.min(wait, EVERY_MS), this.#ended.signal).then(() => {
      this.#waiting = false
      if (!this.#ended.signal.aborted && this.#state() !== this.#written) this.#write()
    })
  }

  /** Nothing is written after this. */
  end(): void {
    this.#ended.abort()
  }

  #write(): void {
    const { activity } = this.#record
    this.#written = this.#state()
    this.#nextAt = this.#clock.now() + EVERY_MS
    this.#offer({
      type: 'progress',
      inboxSeq: this.#inboxSeq,
      text: this.#draft(),
      ...(activity === undefined ? {} : { activity }),
    })
  }

  #draft(): string {
    const { draft } = this.#record
    return mayBeNoReply(draft, this.#chat) ? '' : draft
  }

  #state(): string {
    const { activity } = this.#record
    const draft = this.#draft()
    return draft === '' && activity === undefined ? '' : `${activity ?? ''}\n${draft}`
  }
}
