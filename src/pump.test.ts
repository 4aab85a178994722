import { describe, expect, test } from 'vitest'
import { FakeClock } from '../test/fakes/fake-clock.ts'
import { silentLog } from '../test/rig/host-tables.ts'
import { Pump, type PumpOptions, type StepResult } from './pump.ts'

const clocked = (options: Partial<PumpOptions<string>>, clock = new FakeClock()) => {
  const pump = new Pump<string>({
    name: 'test',
    clock,
    log: silentLog,
    random: () => 0.5,
    pollMs: 1_000,
    keys: () => [],
    step: () => 'idle',
    maxConcurrent: 8,
    backoff: { baseMs: 100, maxMs: 10_000 },
    ...options,
  })
  return { pump, clock }
}

/** A step whose runs a test ends by hand. */
function gated() {
  const running: { key: string; end: (result: StepResult) => void; signal: AbortSignal }[] = []
  const step = (key: string, signal: AbortSignal) =>
    new Promise<StepResult>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      running.push({ key, end: resolve, signal })
    })
  return { running, step }
}

/** A step that writes down its keys. */
function noting(seen: string[]): (key: string) => StepResult {
  return (key) => {
    seen.push(key)
    return 'idle'
  }
}

describe('Pump', () => {
  test('never runs two steps of one key at once, and looks once more after nudges meanwhile', async () => {
    const { running, step } = gated()
    const { pump, clock } = clocked({ step })
    pump.start()
    for (let n = 0; n < 3; n += 1) pump.nudge('a')
    await clock.settled()
    for (let n = 0; n < 3; n += 1) pump.nudge('a')
    await clock.settled()
    expect(running).toHaveLength(1)
    running[0]?.end('idle')
    await clock.settled()
    expect(running).toHaveLength(2)
    running[1]?.end('idle')
    await clock.settled()
    expect(running).toHaveLength(2)
    await pump.stop(0)
  })

  test('runs different keys side by side, up to its limit, and takes the next in order', async () => {
    const { running, step } = gated()
    const { pump, clock } = clocked({ step, maxConcurrent: 2 })
    pump.start()
    for (const key of ['a', 'b', 'c', 'd']) pump.nudge(key)
    await clock.settled()
    expect(running.map((run) => run.key)).toEqual(['a', 'b'])
    running[1]?.end('idle')
    await clock.settled()
    expect(running.map((run) => run.key)).toEqual(['a', 'b', 'c'])
    for (const run of running) run.end('idle')
    await clock.settled()
    expect(running.map((run) => run.key)).toEqual(['a', 'b', 'c', 'd'])
    running[3]?.end('idle')
    await pump.stop(0)
  })

  test('a nudge never runs work on the stack of its caller', async () => {
    const seen: string[] = []
    const { pump, clock } = clocked({ step: noting(seen) })
    pump.start()
    pump.nudge('a')
    expect(seen).toEqual([])
    await clock.settled()
    expect(seen).toEqual(['a'])
    await pump.stop(0)
  })

  test('keeps nudges from before its start and works none of them off', async () => {
    const seen: string[] = []
    const { pump, clock } = clocked({ step: noting(seen) })
    pump.nudge('early')
    await clock.settled()
    expect(seen).toEqual([])
    pump.start()
    await clock.settled()
    expect(seen).toEqual(['early'])
    await pump.stop(0)
  })

  test('a failing key waits alone, longer each time, and no nudge or poll gets round it', async () => {
    const seen: string[] = []
    const { pump, clock } = clocked({
      keys: () => ['bad', 'good'],
      pollMs: 10,
      step: (key) => {
        seen.push(key)
        if (key === 'bad') throw new Error('broken')
        return 'idle'
      },
    })
    const bad = () => seen.filter((key) => key === 'bad').length
    pump.start()
    await clock.settled()
    expect(bad()).toBe(1)
    pump.nudge('bad')
    await clock.advance(99)
    expect(bad()).toBe(1)
    expect(seen.filter((key) => key === 'good').length).toBeGreaterThan(5)
    await clock.advance(1)
    expect(bad()).toBe(2)
    await clock.advance(199)
    expect(bad()).toBe(2)
    await clock.advance(1)
    expect(bad()).toBe(3)
    await pump.stop(0)
  })

  test('a key that works again starts from the shortest wait', async () => {
    const results: (StepResult | Error)[] = [new Error('1'), new Error('2'), 'idle', new Error('3'), 'idle']
    const { pump, clock } = clocked({
      step: () => {
        const result = results.shift()
        if (result instanceof Error) throw result
        return result ?? 'idle'
      },
    })
    pump.start()
    pump.nudge('a')
    await clock.advance(100)
    await clock.advance(200)
    expect(results).toHaveLength(2)
    pump.nudge('a')
    await clock.settled()
    expect(results).toHaveLength(1)
    await clock.advance(100)
    expect(results).toHaveLength(0)
    await pump.stop(0)
  })

  test('a step that asks for a wait is looked at after it, or at a nudge, once', async () => {
    let runs = 0
    const { pump, clock } = clocked({ step: () => (++runs === 1 ? { waitMs: 500 } : 'idle') })
    pump.start()
    pump.nudge('a')
    await clock.advance(499)
    expect(runs).toBe(1)
    await clock.advance(1)
    expect(runs).toBe(2)
    runs = 0
    pump.nudge('a')
    await clock.settled()
    pump.nudge('a')
    await clock.settled()
    expect(runs).toBe(2)
    await clock.advance(600)
    expect(runs).toBe(2)
    await pump.stop(0)
  })

  test('a wait longer than a timer can be is one that a timer can do', async () => {
    const { pump, clock } = clocked({ step: () => ({ waitMs: 2 ** 40 }) })
    pump.start()
    pump.nudge('a')
    await clock.settled()
    expect(clock.sleeping.at(-1)).toBe(3_600_000)
    await pump.stop(0)
  })

  test('what waits after a failure is looked at at once when its reason is over', async () => {
    let broken = true
    const seen: string[] = []
    const { pump, clock } = clocked({
      backoff: { baseMs: 60_000, maxMs: 60_000 },
      step: (key) => {
        if (broken) throw new Error('the engine is away')
        seen.push(key)
        return 'idle'
      },
    })
    pump.start()
    pump.nudge('a')
    await clock.settled()
    broken = false
    pump.retryFailed()
    await clock.settled()
    expect(seen).toEqual(['a'])
    await clock.advance(120_000)
    expect(seen).toEqual(['a'])
    await pump.stop(0)
  })

  test('works without any nudge, by its poll, and survives a list of work that fails', async () => {
    const seen: string[] = []
    let lists = 0
    const { pump, clock } = clocked({
      keys: () => {
        lists += 1
        if (lists === 2) throw new Error('cannot list')
        return ['a']
      },
      step: noting(seen),
    })
    pump.start()
    await clock.advance(2_000)
    expect(lists).toBe(3)
    expect(seen).toEqual(['a', 'a'])
    await pump.stop(0)
  })

  test('a backlog that is worked off without a pause lets the event loop turn meanwhile', async () => {
    let left = 1_000
    let turned: number | null = null
    const { pump, clock } = clocked({ step: () => (--left > 0 ? 'again' : 'idle') })
    pump.start()
    pump.nudge('a')
    setImmediate(() => {
      turned = left
    })
    while (left > 0) await clock.settled()
    expect(turned).toBeGreaterThan(900)
    await pump.stop(0)
  })

  test('stop lets a running step end, takes nothing new, and no step runs after it', async () => {
    const { running, step } = gated()
    const { pump, clock } = clocked({ step, maxConcurrent: 1, keys: () => ['a', 'b'] })
    pump.start()
    await clock.settled()
    const stopped = pump.stop(5_000)
    pump.nudge('c')
    await clock.settled()
    running[0]?.end('again')
    await stopped
    pump.nudge('a')
    pump.nudgeAll()
    await clock.advance(60_000)
    expect(running.map((run) => run.key)).toEqual(['a'])
    expect(clock.sleeping).toEqual([])
    await pump.stop(5_000)
  })

  test('stop aborts a step that outlives the grace', async () => {
    const { running, step } = gated()
    const { pump, clock } = clocked({ step })
    pump.start()
    pump.nudge('a')
    await clock.settled()
    let stopped = false
    const stopping = pump.stop(5_000).then(() => {
      stopped = true
    })
    await clock.advance(4_999)
    expect(stopped).toBe(false)
    expect(running[0]?.signal.aborted).toBe(false)
    await clock.advance(1)
    await stopping
    expect(running[0]?.signal.aborted).toBe(true)
  })

  test('stop before start and without work ends at once', async () => {
    const { pump, clock } = clocked({})
    await pump.stop(5_000)
    await clock.settled()
    expect(clock.sleeping).toEqual([])
  })
})
