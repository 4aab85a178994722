import type { LoopWatch } from '../adapters/loop-watch/loop-watch.ts'

/** Long enough for what the start itself has under way. */
const AFTER_MS = 1_500

/**
 * Gives back what the start needed and nothing needs any more, once: a quarter of the process, which V8 would keep for
 * long. Does nothing without --expose-gc. It takes less than a tenth of a second, as work that is not measured. Returns
 * what gives it up.
 */
export function returnMemorySoon(loop: Pick<LoopWatch, 'except'>): () => void {
  const collect = () => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const timer = setTimeout(() => loop.except(collect), AFTER_MS)
  timer.unref()
  return () => clearTimeout(timer)
}
