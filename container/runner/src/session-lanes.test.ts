import { describe, expect, it } from 'vitest'
import { type Job, SessionLanes } from './session-lanes.ts'

/** Lanes whose jobs end when they are told to. */
function lanesOf(concurrency: number) {
  const started: number[] = []
  const ends = new Map<number, () => void>()
  const signals = new Map<number, AbortSignal>()
  const lanes = new SessionLanes<Job>({
    concurrency,
    run: (job, abort) => {
      started.push(job.seq)
      signals.set(job.seq, abort.signal)
      return new Promise((resolve) => {
        ends.set(job.seq, resolve)
        abort.signal.addEventListener('abort', () => resolve())
      })
    },
  })
  const end = async (seq: number) => {
    ends.get(seq)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { lanes, started, signals, end }
}

describe('session lanes', () => {
  it('start nothing before the pump, and then one job of each session', async () => {
    const { lanes, started, end } = lanesOf(10)
    lanes.enqueue({ seq: 1, session: 'a' })
    lanes.enqueue({ seq: 2, session: 'a' })
    lanes.enqueue({ seq: 3, session: 'b' })
    expect(started).toEqual([])
    lanes.pump()
    lanes.pump()
    expect(started).toEqual([1, 3])
    await end(1)
    expect(started).toEqual([1, 3, 2])
  })

  it('let sessions take turns: a busy one does not starve the others', async () => {
    const { lanes, started, end } = lanesOf(1)
    for (const seq of [1, 2, 3]) lanes.enqueue({ seq, session: 'busy' })
    lanes.enqueue({ seq: 4, session: 'other' })
    lanes.pump()
    for (const seq of [1, 4, 2, 3]) await end(seq)
    expect(started).toEqual([1, 4, 2, 3])
  })

  it('cancel a running job by its signal, a waiting one by leaving it out', async () => {
    const { lanes, started, signals, end } = lanesOf(1)
    for (const seq of [1, 2, 3]) lanes.enqueue({ seq, session: 'a' })
    lanes.pump()
    expect(lanes.cancel(2)).toBe('waiting')
    expect(lanes.cancel(2)).toBe('unknown')
    expect(lanes.cancel(1)).toBe('running')
    expect(signals.get(1)?.reason).toBe('cancelled')
    await end(1)
    expect(started).toEqual([1, 3])
  })

  it('stop by aborting what runs, waiting for it, and starting nothing more', async () => {
    const { lanes, started, signals } = lanesOf(1)
    for (const seq of [1, 2]) lanes.enqueue({ seq, session: 'a' })
    lanes.pump()
    await lanes.stop()
    await lanes.stop()
    lanes.pump()
    expect(signals.get(1)?.reason).toBe('shutdown')
    expect(started).toEqual([1])
  })
})
