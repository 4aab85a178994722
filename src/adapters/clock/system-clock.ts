import { setImmediate as nextTurn } from 'node:timers/promises'
import type { UnixMs } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports/clock.ts'

export const systemClock: Clock = {
  now: () => Date.now() as UnixMs,
  async sleep(ms, signal) {
    signal.throwIfAborted()
    // A timer of 0 ms takes one.
    if (ms === 0) await nextTurn()
    else await timer(ms, signal)
    signal.throwIfAborted()
  },
}

/** The timer of node:timers/promises makes an error with a stack for each one that is cut short, and most are. */
function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(running)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const running = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
