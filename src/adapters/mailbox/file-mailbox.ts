import { chmodSync, lstatSync } from 'node:fs'
import { type InboxEntry, InboxWriter, PROTOCOL_VERSION, type RunnerSettings } from '@creel/protocol'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type { Mailbox, NewInboxEntry } from '../../domain/ports/mailbox.ts'
import { giveBackJournal } from '../../journal-owner.ts'
import type { Paths } from '../../paths.ts'
import { replaceFile } from '../../replace-file.ts'
import { isLocked, toCreelError } from './file-errors.ts'
import { makeMailFolders, makeOutbox, READABLE } from './mail-layout.ts'

/** Each open inbox costs a file descriptor and a little memory. */
const MAX_OPEN = 64

interface OpenInbox {
  readonly writer: InboxWriter
  /** Tells the file that was opened from another one that lies there now. */
  readonly inode: number
}

/**
 * Mail as SQLite files in the data directory. A group that was not opened yet is opened by its first use. Every
 * method throws CreelError: `unavailable` when a lock, a full disk or a read-only disk is in the way (nothing was
 * written; the same call may be made again), `invalid` for a damaged file or one of another protocol.
 */
export class FileMailbox implements Mailbox {
  readonly #paths: Paths
  readonly #clock: Pick<Clock, 'now'>
  readonly #maxOpen: number
  /** Least recently used first. */
  readonly #open = new Map<GroupName, OpenInbox>()

  constructor(options: { paths: Paths; clock: Pick<Clock, 'now'>; maxOpen?: number }) {
    this.#paths = options.paths
    this.#clock = options.clock
    this.#maxOpen = options.maxOpen ?? MAX_OPEN
  }

  open(group: GroupName): void {
    this.#guard('open', group, () => {
      makeMailFolders(this.#paths, group)
      makeOutbox(this.#paths, group)
      giveBackJournal(this.#paths.outbox(group))
      const inode = lstatSync(this.#paths.inbox(group), { throwIfNoEntry: false })?.ino
      if (inode !== undefined && this.#open.get(group)?.inode === inode) return
      this.#forget(group)
      this.#openInbox(group)
    })
  }

  put(group: GroupName, key: string, entry: InboxEntry, at: UnixMs): number {
    return this.#write(group, (writer) => writer.put(key, entry, at))
  }

  async putAll(group: GroupName, items: readonly NewInboxEntry[], at: UnixMs): Promise<readonly number[]> {
    return this.putAllNow(group, items, at)
  }

  /** The same, done when it returns. */
  putAllNow(group: GroupName, items: readonly NewInboxEntry[], at: UnixMs): readonly number[] {
    return this.#write(group, (writer) => writer.putAll(items, at))
  }

  async prune(group: GroupName, seq: number, keep: readonly number[]): Promise<void> {
    this.pruneNow(group, seq, keep)
  }

  /** The same, done when it returns. */
  pruneNow(group: GroupName, seq: number, keep: readonly number[]): void {
    this.#write(group, (writer) => writer.prune(seq, keep))
  }

  writeSettings(group: GroupName, settings: RunnerSettings): void {
    this.#guard('write settings beside', group, () => {
      makeMailFolders(this.#paths, group)
      replaceFile(this.#paths.settings(group), `${JSON.stringify(settings, null, 2)}\n`, READABLE)
    })
  }

  /** By the file's own time, which the sandbox can set as it likes: never later than now, never through a link. */
  heartbeatAt(group: GroupName): UnixMs | null {
    const file = lstatSync(this.#paths.heartbeat(group), { throwIfNoEntry: false })
    if (!file?.isFile()) return null
    return Math.max(0, Math.min(Math.floor(file.mtimeMs), this.#clock.now())) as UnixMs
  }

  close(): void {
    for (const group of [...this.#open.keys()]) this.#forget(group)
  }

  #write<T>(group: GroupName, work: (writer: InboxWriter) => T): T {
    // Folders and files are made anew when somebody took them away under a running host.
    const inode = lstatSync(this.#paths.inbox(group), { throwIfNoEntry: false })?.ino
    if (inode === undefined) this.open(group)
    return this.#guard('write', group, () => {
      // One that lies there is opened without looking at all that is around it: `open` does, before a sandbox starts.
      if (inode !== undefined && this.#open.get(group)?.inode !== inode) {
        this.#forget(group)
        this.#openInbox(group)
      }
      return work(this.#use(group))
    })
  }

  /** Moves the group to the young end of the cache. */
  #use(group: GroupName): InboxWriter {
    const inbox = this.#open.get(group)
    if (!inbox) throw new CreelError('internal', `inbox of ${group} is not open`)
    this.#open.delete(group)
    this.#open.set(group, inbox)
    return inbox.writer
  }

  #openInbox(group: GroupName): void {
    const path = this.#paths.inbox(group)
    const writer = new InboxWriter(path)
    const version = writer.version
    if (version !== PROTOCOL_VERSION) {
      writer[Symbol.dispose]()
      throw new CreelError(
        'invalid',
        `${path}: expected mailbox protocol ${PROTOCOL_VERSION}, got ${version}`,
        { hint: 'run the version of creel that made this data directory, or a newer one' },
      )
    }
    chmodSync(path, READABLE)
    this.#open.set(group, { writer, inode: lstatSync(path).ino })
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= this.#maxOpen) break
      this.#forget(oldest)
    }
  }

  #forget(group: GroupName): void {
    this.#open.get(group)?.writer[Symbol.dispose]()
    this.#open.delete(group)
  }

  #guard<T>(action: string, group: GroupName, work: () => T): T {
    try {
      return work()
    } catch (error) {
      // After a disk error the next use starts from a fresh connection, which rolls back what was left half done.
      if (!isLocked(error)) this.#forget(group)
      throw toCreelError(action, this.#paths.inbox(group), error)
    }
  }
}
