import { InboxReader, type InboxRow } from '@creel/protocol'
import { type EventLog, errorText } from './log.ts'
import { RunnerRefusal } from './refusal.ts'
import { isPassing } from './sqlite-error.ts'

const BATCH = 200

/**
 * The inbox as a growing list. It may be unreadable for a while: a killed host leaves a half-done commit that only
 * the restarted host can roll back, and a host that is committing holds a lock.
 */
export class InboxFeed implements Disposable {
  readonly #path: string
  readonly #log: EventLog
  #reader: InboxReader | undefined
  #cursor = 0
  #failing = false

  constructor(path: string, log: EventLog) {
    this.#path = path
    this.#log = log
  }

  /**
   * All entries that came since the last call, oldest first; none while the file cannot be read (ask again later).
   * Throws RunnerRefusal when it is no inbox of this protocol.
   */
  pull(): readonly InboxRow[] {
    const rows: InboxRow[] = []
    try {
      this.#reader ??= openInbox(this.#path)
      for (;;) {
        const batch = this.#reader.after(this.#cursor, BATCH)
        rows.push(...batch)
        this.#cursor = batch.at(-1)?.seq ?? this.#cursor
        if (batch.length < BATCH) break
      }
      this.#failing = false
    } catch (error) {
      if (!isPassing(error)) throw error
      if (!this.#failing) this.#log('inbox_unreadable', { error: errorText(error) })
      this.#failing = true
    }
    return rows
  }

  /** Position of the oldest entry that the inbox still holds; null when it cannot be told now. */
  oldest(): number | null {
    try {
      return this.#reader?.oldest() ?? null
    } catch (error) {
      if (!isPassing(error)) throw error
      return null
    }
  }

  [Symbol.dispose](): void {
    this.#reader?.[Symbol.dispose]()
  }
}

function openInbox(path: string): InboxReader {
  try {
    return new InboxReader(path)
  } catch (error) {
    if (isPassing(error)) throw error
    throw new RunnerRefusal(errorText(error), { cause: error })
  }
}
