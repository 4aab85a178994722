import type { GroupName } from '../../src/domain/ids.ts'
import type { Doorbell } from '../../src/domain/ports/mailbox.ts'

/** Doorbells in memory. Strict: opening after `close` and pressing a bell that was never opened throw. */
export class FakeDoorbell implements Doorbell {
  /** Rings that reached a runner, by group. */
  readonly rings = new Map<GroupName, number>()
  /** Groups whose runner listens; a test adds and removes them. */
  readonly runners = new Set<GroupName>()
  readonly #callbacks = new Map<GroupName, () => void>()
  #closed = false

  async open(group: GroupName, onRing: () => void): Promise<void> {
    if (this.#closed) throw new Error('FakeDoorbell: opened after close')
    this.#callbacks.set(group, onRing)
  }

  ring(group: GroupName): void {
    if (this.connected(group)) this.rings.set(group, (this.rings.get(group) ?? 0) + 1)
  }

  connected(group: GroupName): boolean {
    return !this.#closed && this.runners.has(group)
  }

  /** The runner rings. */
  press(group: GroupName): void {
    const onRing = this.#callbacks.get(group)
    if (!onRing) throw new Error(`FakeDoorbell: no bell for ${group}`)
    if (!this.#closed) onRing()
  }

  async close(): Promise<void> {
    this.#closed = true
  }
}
