import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { Doorbell } from '../../domain/ports/mailbox.ts'
import type { Paths } from '../../paths.ts'
import { GroupBell } from './group-bell.ts'

/**
 * Doorbells as unix stream sockets, one per group, in a folder that the sandbox sees read-only. The folder is
 * mounted, not the file, so that a runner finds the new socket after a restart of the host.
 */
export class SocketDoorbell implements Doorbell {
  readonly #paths: Paths
  readonly #bells = new Map<GroupName, { bell: GroupBell; listening: Promise<void> }>()
  #closed = false

  constructor(options: { paths: Paths }) {
    this.#paths = options.paths
  }

  /** The same group again takes the new callback. Throws CreelError, and may then be called again. */
  async open(group: GroupName, onRing: () => void): Promise<void> {
    if (this.#closed) throw new CreelError('unavailable', 'the doorbell is closed')
    const known = this.#bells.get(group)
    if (known) {
      await known.listening
      return known.bell.reopen(onRing)
    }
    const bell = new GroupBell(this.#paths.doorbell(group), onRing)
    // Async, so that what `listen` throws at once is a rejection as well.
    const listening = (async () => bell.listen())()
    this.#bells.set(group, { bell, listening })
    try {
      await listening
    } catch (error) {
      this.#bells.delete(group)
      throw error
    }
  }

  ring(group: GroupName): void {
    this.#bells.get(group)?.bell.ring()
  }

  connected(group: GroupName): boolean {
    return this.#bells.get(group)?.bell.connected ?? false
  }

  async close(): Promise<void> {
    this.#closed = true
    const bells = [...this.#bells.values()]
    this.#bells.clear()
    await Promise.all(bells.map(({ bell }) => bell.close()))
  }
}
