import type { UnixMs } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import { systemClock } from './system-clock.ts'

/**
 * A clock that never goes back and never stands still: when the machine's is set back, this one goes on from where it
 * was until the other has caught up. Otherwise everything that waits until a time would wait for that long, too.
 */
export function steadyClock(
  wall: Clock = systemClock,
  elapsedMs: () => number = () => performance.now(),
): Clock {
  let base = wall.now()
  let since = elapsedMs()
  return {
    sleep: wall.sleep,
    now: () => {
      const own = base + (elapsedMs() - since)
      const now = wall.now()
      if (now < own) return Math.floor(own) as UnixMs
      base = now
      since = elapsedMs()
      return now
    },
  }
}
