import type { UnixMs } from '../domain/ids.ts'
import type { InboundRow } from '../domain/ports/stores.ts'

/** However they follow each other, the first of them waits no longer than so many times the debounce. */
const AT_MOST = 5
/** Whoever it is for, it is not said in the same breath. */
const COMMAND = /^\s*(?:@\S{1,100}\s+)?\//

export interface DebounceRun {
  /** What is answered together with the first one. */
  readonly with: readonly InboundRow[]
  /** Look again then; 0 = it is complete. */
  readonly waitMs: number
}

/**
 * The messages that a person typed right after `first`, in the same thread: `after` are those that wait behind it in the
 * chat. Complete as soon as somebody else speaks, another thread, a command or a file comes: nobody waits for another's
 * pause. Pure.
 */
export function debounceRun(
  first: InboundRow,
  after: readonly InboundRow[],
  debounceMs: number,
  now: UnixMs,
  isFile: (row: InboundRow) => boolean,
): DebounceRun {
  if (isFile(first)) return { with: [], waitMs: 0 }
  const run: InboundRow[] = []
  const atMost = first.receivedAt + AT_MOST * debounceMs
  for (const row of after) {
    const same = row.senderId === first.senderId && row.address.thread === first.address.thread
    // Found again after a kill, they may be long since: a pause counts as it was.
    const paused = row.receivedAt > Math.min(atMost, (run.at(-1) ?? first).receivedAt + debounceMs)
    if (!same || paused || COMMAND.test(row.text) || row.gatherUntil > now) return { with: run, waitMs: 0 }
    run.push(row)
    if (isFile(row)) return { with: run, waitMs: 0 }
  }
  const last = run.at(-1) ?? first
  const until = Math.min(last.receivedAt + debounceMs, atMost)
  // A clock that was set back must not make it longer.
  const waitMs = now < last.receivedAt ? 0 : Math.max(0, until - now)
  return { with: run, waitMs }
}
