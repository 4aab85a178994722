import type { Clock } from '../domain/ports/clock.ts'

const LOOK_MS = 50

/** Waits until nobody is busy any more, `maxMs` at most. */
export async function drained(busy: () => boolean, clock: Clock, maxMs: number): Promise<void> {
  const deadline = clock.now() + maxMs
  const never = new AbortController().signal
  while (busy() && clock.now() < deadline) await clock.sleep(LOOK_MS, never)
}
