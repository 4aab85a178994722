import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { UnixMs } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports/clock.ts'

export const systemClock: Clock = {
  now: () => Date.now() as UnixMs,
  async sleep(ms, signal) {
    try {
      // A timer of 0 ms takes one.
      if (ms === 0) await nextTurn(undefined, { signal })
      else await sleep(ms, undefined, { signal })
    } catch (error) {
      // The timer rejects with its own AbortError; the port promises the reason of the signal.
      throw signal.aborted ? signal.reason : error
    }
  },
}
