import { OutboxEntry } from '@creel/protocol'
import { CreelError } from '../../src/domain/errors.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import type { OutboxBatch, OutboxItem, OutboxReader } from '../../src/domain/ports/mailbox.ts'

/** Outboxes in memory. Strict: a cursor or a limit that cannot be throws. */
export class FakeOutboxReader implements OutboxReader {
  /** What every read of this group answers while it is set. */
  readonly verdicts = new Map<GroupName, Exclude<OutboxBatch, { kind: 'entries' }>>()
  /** When set, a read of this group waits for it. */
  readonly gates = new Map<GroupName, Promise<void>>()
  /** Every read, in order. */
  readonly reads: { group: GroupName; after: number; limit: number }[] = []
  readonly #items = new Map<GroupName, OutboxItem[]>()
  #closed = false

  /** Makes the group's outbox, as the mailbox does. Idempotent. */
  make(group: GroupName): void {
    if (!this.#items.has(group)) this.#items.set(group, [])
  }

  /** Appends as a runner would; a body that is no entry becomes a rejected item. Returns the last position. */
  append(group: GroupName, ...bodies: readonly unknown[]): number {
    this.make(group)
    const items = this.#items.get(group) ?? []
    for (const body of bodies) {
      const seq = (items.at(-1)?.seq ?? 0) + 1
      const parsed = OutboxEntry.safeParse(body)
      items.push(parsed.success ? { seq, entry: parsed.data } : { seq, rejected: 'bad entry' })
    }
    return items.at(-1)?.seq ?? 0
  }

  async read(group: GroupName, after: number, limit: number): Promise<OutboxBatch> {
    if (this.#closed) throw new CreelError('unavailable', 'the reader is closed')
    if (!Number.isSafeInteger(after) || after < 0 || !Number.isSafeInteger(limit) || limit < 1)
      throw new Error(`FakeOutboxReader: read after ${after}, at most ${limit}`)
    this.reads.push({ group, after, limit })
    await this.gates.get(group)
    const verdict = this.verdicts.get(group)
    if (verdict) return verdict
    const items = this.#items.get(group)
    if (!items) return { kind: 'rejected', reason: 'the file is missing' }
    if ((items.at(-1)?.seq ?? 0) < after) return { kind: 'rejected', reason: 'rewound' }
    const later = items.filter((item) => item.seq > after)
    return { kind: 'entries', items: later.slice(0, limit), more: later.length > limit }
  }

  async close(): Promise<void> {
    this.#closed = true
  }
}
