import { utimesSync, writeFileSync } from 'node:fs'
import { type Clock, rest } from './clock.ts'
import { type EventLog, errorText } from './log.ts'

const EVERY_MS = 5_000

/**
 * Touches `path` now and every 5 s until `signal` aborts; its modification time is the sign of life that the host
 * reads. A full disk must not stop the runner, so failures are logged, once in a row.
 */
export async function beat(path: string, clock: Clock, log: EventLog, signal: AbortSignal): Promise<void> {
  let failing = false
  let touch = () => writeFileSync(path, '')
  while (!signal.aborted) {
    try {
      touch()
      const seconds = clock.now() / 1000
      utimesSync(path, seconds, seconds)
      touch = () => undefined
      failing = false
    } catch (error) {
      if (!failing) log('heartbeat_failed', { error: errorText(error) })
      failing = true
      touch = () => writeFileSync(path, '')
    }
    await rest(clock, EVERY_MS, signal)
  }
}
