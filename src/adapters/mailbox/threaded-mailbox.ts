import type { InboxEntry, RunnerSettings } from '@creel/protocol'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { Mailbox, NewInboxEntry } from '../../domain/ports/mailbox.ts'
import type { Paths } from '../../paths.ts'
import { FileMailbox } from './file-mailbox.ts'
import { WriterThreads } from './writer-threads.ts'

/** Inboxes that a thread keeps open, 0.2 MB each: to open one takes three times as long as a commit. */
const MAX_OPEN_EACH = 256
/** From so many calls a second on threads are worth their memory and their start, which takes longer than a commit. */
const MANY_A_SECOND = 20
/** From so many on, a commit rather waits for a thread that is being begun than everything else for the commit. */
const FLOOD_A_SECOND = 50
/** So is a disk on which one commit takes this long. */
const SLOW_MS = 20

export interface ThreadedMailboxOptions {
  readonly paths: Paths
  readonly clock: Pick<Clock, 'now'>
  /** Calls a second from which threads are begun. */
  readonly manyASecond?: number
}

/**
 * The same files; when there is much to write or the disk is slow, in threads: a commit waits for the disk three or four times, and for a
 * lock that a sandbox holds, without holding up the event loop (I7). Both ends are one process, and SQLite's own lock
 * keeps what is written here apart from what is written there.
 */
export class ThreadedMailbox implements Mailbox {
  readonly #files: FileMailbox
  readonly #threads: WriterThreads
  readonly #manyASecond: number
  #calls = 0
  #countedSince = 0

  constructor({ paths, clock, manyASecond }: ThreadedMailboxOptions) {
    this.#files = new FileMailbox({ paths, clock })
    const { dataDir, groupsDir } = paths
    this.#threads = new WriterThreads({ dataDir, groupsDir, maxOpen: MAX_OPEN_EACH })
    this.#manyASecond = manyASecond ?? MANY_A_SECOND
  }

  async open(group: GroupName): Promise<void> {
    if (this.#inThread(group)) await this.#threads.run({ do: 'open', group })
    else this.#files.open(group)
  }

  put(group: GroupName, key: string, entry: InboxEntry, at: UnixMs): number {
    return this.#files.put(group, key, entry, at)
  }

  async putAll(group: GroupName, items: readonly NewInboxEntry[], at: UnixMs): Promise<readonly number[]> {
    if (this.#inThread(group)) return this.#threads.run({ do: 'put', group, items, at })
    const begun = performance.now()
    try {
      return this.#files.putAllNow(group, items, at)
    } finally {
      if (performance.now() - begun > SLOW_MS) this.#threads.wake()
    }
  }

  async prune(group: GroupName, seq: number, keep: readonly number[]): Promise<void> {
    if (this.#inThread(group)) await this.#threads.run({ do: 'prune', group, seq, keep })
    else this.#files.pruneNow(group, seq, keep)
  }

  /** Whether this group's next write is done beside the event loop. */
  writesInThread(group: GroupName): boolean {
    return this.#threads.isReady(group)
  }

  writeSettings(group: GroupName, settings: RunnerSettings): void {
    this.#files.writeSettings(group, settings)
  }

  heartbeatAt(group: GroupName): UnixMs | null {
    return this.#files.heartbeatAt(group)
  }

  async close(): Promise<void> {
    await this.#threads.close()
    this.#files.close()
  }

  #inThread(group: GroupName): boolean {
    const now = performance.now()
    if (now - this.#countedSince > 1_000) {
      this.#calls = 0
      this.#countedSince = now
    }
    this.#calls += 1
    if (this.#calls >= this.#manyASecond) this.#threads.wake()
    return this.#threads.isReady(group) || (this.#calls >= FLOOD_A_SECOND && this.#threads.isBegun(group))
  }
}
