import { ChannelRefusedError, ChannelUnreachableError, errorText, RetryAfterError } from '../domain/errors.ts'
import type { UnixMs } from '../domain/ids.ts'
import type { ChatAddress } from '../domain/message.ts'
import type { Channel, ChatNotes } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { ProgressNoteStore } from '../domain/ports/progress-notes.ts'
import type { Events } from '../events.ts'

export interface NotePorts {
  readonly notes: ProgressNoteStore
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly clock: Clock
  readonly events: Pick<Events, 'noteFailed'>
}

interface Standing {
  readonly row: number
  readonly id: string
  text: string
  changedAt: UnixMs
}

const CALL_TIMEOUT_MS = 15_000
const UNREACHABLE_WAIT_MS = 15_000

/**
 * The "Working …" message of one chat. It is a comfort: a call that fails is made again later or not at all, a
 * platform that asks to wait is left alone, and nothing here is ever thrown. One call at a time.
 */
export class ProgressNote {
  readonly #to: ChatAddress
  readonly #ports: NotePorts
  #standing: Standing | null
  /** It could not be posted, or somebody took it away: not again in this turn. */
  #unwanted = false
  #notBefore = 0

  /** `standing` is one that an earlier host posted. */
  constructor(to: ChatAddress, ports: NotePorts, standing?: { row: number; id: string }) {
    this.#to = to
    this.#ports = ports
    this.#standing = standing ? { ...standing, text: '', changedAt: 0 as UnixMs } : null
  }

  get stands(): boolean {
    return this.#standing !== null
  }

  /** Milliseconds until the platform may be asked again. */
  get wait(): number {
    return Math.max(0, this.#notBefore - this.#ports.clock.now())
  }

  /** Shows the text; one that stands is changed at most every `everyMs`. */
  async show(text: string, everyMs: number, signal: AbortSignal): Promise<void> {
    if (this.#unwanted || this.wait > 0) return
    const standing = this.#standing
    if (!standing) return await this.#try(signal, (notes, limit) => this.#post(notes, text, limit))
    const now = this.#ports.clock.now()
    if (standing.text === text || now - standing.changedAt < everyMs) return
    await this.#try(signal, async (notes, limit) => {
      await notes.edit(this.#to, standing.id, text, limit)
      standing.text = text
      standing.changedAt = now
    })
  }

  /** Takes it away; `stands` says whether that worked. The next `show` posts another. */
  async remove(signal: AbortSignal): Promise<void> {
    this.#unwanted = false
    const standing = this.#standing
    if (!standing || this.wait > 0) return
    await this.#try(signal, async (notes, limit) => {
      await notes.remove(this.#to, standing.id, limit)
      this.#forget()
    })
  }

  async #post(notes: ChatNotes, text: string, signal: AbortSignal): Promise<void> {
    const { clock, notes: store } = this.#ports
    const row = store.begun(this.#to, clock.now())
    try {
      const id = await notes.post(this.#to, text, signal)
      store.sent(row, id)
      this.#standing = { row, id, text, changedAt: clock.now() }
    } catch (error) {
      store.gone(row)
      // It may stand there without our knowing its id; a second one would not make that better.
      const notThere =
        error instanceof RetryAfterError || (error instanceof ChannelUnreachableError && !error.ambiguous)
      this.#unwanted = !notThere
      throw error
    }
  }

  async #try(
    signal: AbortSignal,
    call: (notes: ChatNotes, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { channelOf, clock, events } = this.#ports
    const notes = channelOf(this.#to.channel, this.#to.account)?.notes
    if (!notes) return this.#forget()
    try {
      await call(notes, AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]))
    } catch (error) {
      events.noteFailed(this.#to.channel, errorText(error))
      if (error instanceof RetryAfterError) this.#notBefore = clock.now() + error.delayMs
      else if (error instanceof ChannelRefusedError) this.#refused()
      else this.#notBefore = clock.now() + UNREACHABLE_WAIT_MS
    }
  }

  #refused(): void {
    this.#forget()
    this.#unwanted = true
  }

  #forget(): void {
    if (this.#standing) this.#ports.notes.gone(this.#standing.row)
    this.#standing = null
  }
}
