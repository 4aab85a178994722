import { describe, expect, it } from 'vitest'
import { type Job, SessionLanes, type StopReason, type Work } from './session-lanes.ts'

interface Options {
  readonly concurrency: number
  readonly together?: number
  /** What running work takes. */
  readonly takes?: (job: Job) => boolean
}

/** Lanes whose work ends when it is told to. */
function lanesOf({ concurrency, together = 1, takes = () => false }: Options) {
  const started: (number | number[])[] = []
  const taken: number[] = []
  const ends = new Map<number, () => void>()
  const stops = new Map<number, StopReason>()
  const begin = (jobs: readonly Job[]): Work<Job> => {
    const seqs = jobs.map(({ seq }) => seq)
    const over = Promise.withResolvers<void>()
    const first = seqs[0] ?? 0
    started.push(seqs.length === 1 ? first : seqs)
    for (const seq of seqs) ends.set(seq, over.resolve)
    return {
      done: over.promise,
      take: (job) => {
        if (!takes(job)) return false
        taken.push(job.seq)
        seqs.push(job.seq)
        return true
      },
      holds: (seq) => seqs.includes(seq),
      stop: (reason) => {
        stops.set(first, reason)
        over.resolve()
      },
    }
  }
  const lanes = new SessionLanes<Job>({ concurrency, together: () => together, begin })
  const end = async (seq: number) => {
    ends.get(seq)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { lanes, started, taken, stops, end }
}

describe('session lanes', () => {
  it('start nothing before the pump, and then one job of each session', async () => {
    const { lanes, started, end } = lanesOf({ concurrency: 10 })
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
    const { lanes, started, end } = lanesOf({ concurrency: 1 })
    for (const seq of [1, 2, 3]) lanes.enqueue({ seq, session: 'busy' })
    lanes.enqueue({ seq: 4, session: 'other' })
    lanes.pump()
    for (const seq of [1, 4, 2, 3]) await end(seq)
    expect(started).toEqual([1, 4, 2, 3])
  })

  it('begin as many of a session together as they are told', async () => {
    const { lanes, started, end } = lanesOf({ concurrency: 1, together: 2 })
    for (const seq of [1, 2, 3]) lanes.enqueue({ seq, session: 'a' })
    lanes.pump()
    await end(2)
    expect(started).toEqual([[1, 2], 3])
  })

  it('offer what waits to what runs, the oldest first and none past one that is not taken', async () => {
    let open = false
    const { lanes, started, taken, end } = lanesOf({ concurrency: 1, takes: ({ seq }) => open && seq !== 4 })
    for (const seq of [1, 2, 3, 4, 5]) lanes.enqueue({ seq, session: 'a' })
    lanes.enqueue({ seq: 6, session: 'b' })
    lanes.pump()
    expect(taken).toEqual([])
    open = true
    lanes.pump()
    expect(taken).toEqual([2, 3])
    lanes.putBack({ seq: 3, session: 'a' })
    open = false
    await end(1)
    await end(6)
    await end(3)
    expect(started).toEqual([1, 6, 3, 4])
  })

  it('cancel running work by its stop, a waiting job by leaving it out', async () => {
    const { lanes, started, stops } = lanesOf({ concurrency: 1, takes: ({ seq }) => seq === 2 })
    for (const seq of [1, 2, 3, 4]) lanes.enqueue({ seq, session: 'a' })
    lanes.pump()
    lanes.pump()
    expect(lanes.cancel(3)).toBe('waiting')
    expect(lanes.cancel(3)).toBe('unknown')
    // Taken by what runs.
    expect(lanes.cancel(2)).toBe('running')
    expect(stops.get(1)).toBe('cancelled')
    await new Promise((resolve) => setImmediate(resolve))
    expect(started).toEqual([1, 4])
  })

  it('stop by ending what runs, waiting for it, and starting nothing more', async () => {
    const { lanes, started, stops } = lanesOf({ concurrency: 1 })
    for (const seq of [1, 2]) lanes.enqueue({ seq, session: 'a' })
    lanes.pump()
    await lanes.stop()
    await lanes.stop()
    lanes.pump()
    expect(stops.get(1)).toBe('shutdown')
    expect(started).toEqual([1])
  })
})
