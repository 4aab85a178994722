import type { InboxEntry, RunnerSettings } from '@creel/protocol'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { Clock } from '../../src/domain/ports/clock.ts'
import type { Mailbox, NewInboxEntry } from '../../src/domain/ports/mailbox.ts'

export interface FakeInboxRow {
  readonly seq: number
  readonly key: string
  readonly entry: InboxEntry
  readonly at: UnixMs
}

/** Inboxes in memory. Strict: any use after `close` throws, and so does a key or a position that cannot be. */
export class FakeMailbox implements Mailbox {
  /** The next `put` or `prune` of this group throws it, once: a held lock, a full disk. */
  readonly failures = new Map<GroupName, Error>()
  readonly settings = new Map<GroupName, RunnerSettings>()
  /** Last sign of life as the file's time says it; may lie in the future, as a sandbox can make it. */
  readonly beats = new Map<GroupName, UnixMs>()
  /** How often each group was opened. */
  readonly opened = new Map<GroupName, number>()
  readonly #clock: Pick<Clock, 'now'>
  readonly #rows = new Map<GroupName, FakeInboxRow[]>()
  #closed = false

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** What the sandbox would read. */
  rows(group: GroupName): readonly FakeInboxRow[] {
    return this.#rows.get(group) ?? []
  }

  open(group: GroupName): void {
    this.#mustBeOpen()
    this.opened.set(group, (this.opened.get(group) ?? 0) + 1)
    if (!this.#rows.has(group)) this.#rows.set(group, [])
  }

  put(group: GroupName, key: string, entry: InboxEntry, at: UnixMs): number {
    const rows = this.#writable(group)
    if (key === '') throw new Error('FakeMailbox: empty key')
    const known = rows.find((row) => row.key === key)
    if (known) return known.seq
    const seq = (rows.at(-1)?.seq ?? 0) + 1
    rows.push({ seq, key, entry: structuredClone(entry), at })
    return seq
  }

  async putAll(group: GroupName, items: readonly NewInboxEntry[], at: UnixMs): Promise<readonly number[]> {
    this.#writable(group)
    return items.map(({ key, entry }) => this.put(group, key, entry, at))
  }

  async prune(group: GroupName, seq: number, keep: readonly number[]): Promise<void> {
    const rows = this.#writable(group)
    if (!Number.isSafeInteger(seq) || seq < 0) throw new Error(`FakeMailbox: prune up to ${seq}`)
    const newest = rows.at(-1)?.seq
    this.#rows.set(
      group,
      rows.filter((row) => row.seq > seq || row.seq === newest || keep.includes(row.seq)),
    )
  }

  writeSettings(group: GroupName, settings: RunnerSettings): void {
    this.#mustBeOpen()
    this.settings.set(group, structuredClone(settings))
  }

  heartbeatAt(group: GroupName): UnixMs | null {
    const beat = this.beats.get(group)
    return beat === undefined ? null : (Math.min(beat, this.#clock.now()) as UnixMs)
  }

  close(): void {
    this.#closed = true
  }

  #writable(group: GroupName): FakeInboxRow[] {
    this.#mustBeOpen()
    const failure = this.failures.get(group)
    this.failures.delete(group)
    if (failure) throw failure
    if (!this.#rows.has(group)) this.open(group)
    return this.#rows.get(group) ?? []
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new Error('FakeMailbox: used after close')
  }
}
