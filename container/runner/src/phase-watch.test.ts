import type { TurnEvent } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../test/fakes/fake-clock.ts'
import { type Hung, PhaseWatch } from './phase-watch.ts'

const LIMITS = { starting: 10_000, resuming: 20_000, model: 30_000, tool: 60_000, compacting: 40_000 }
const STARTED: TurnEvent = { type: 'started' }
const ACTIVITY: TurnEvent = { type: 'activity' }
const tool = (phase: 'started' | 'ended'): TurnEvent => ({ type: 'tool', phase, name: 'Bash' })

function watching(resuming = false) {
  const clock = new FakeClock()
  const watch = new PhaseWatch(LIMITS, resuming)
  const over = new AbortController()
  const hung: Hung[] = []
  void watch.hung(clock, over.signal).then((found) => hung.push(found))
  const take = (...events: TurnEvent[]) => {
    for (const event of events) watch.take(event, clock.now())
  }
  const waits = (ms: number): TurnEvent => ({ type: 'phase', phase: 'waiting', untilMs: clock.now() + ms })
  return { clock, watch, over, hung, take, waits }
}

describe('the phase of a turn', () => {
  it('follows from its events', () => {
    const { watch, take, waits } = watching()
    const seen = [watch.phase]
    const after = (event: TurnEvent) => {
      take(event)
      seen.push(watch.phase)
    }
    for (const event of [STARTED, tool('started'), tool('started'), tool('ended'), ACTIVITY]) after(event)
    for (const event of [tool('ended'), waits(5_000), ACTIVITY, { type: 'delta', text: 'x' } as const])
      after(event)
    for (const event of [{ type: 'phase', phase: 'compacting' } as const, ACTIVITY]) after(event)
    after({ type: 'phase', phase: 'model' })
    expect(seen).toEqual([
      ...['starting', 'model', 'tool', 'tool', 'tool', 'tool'],
      ...['model', 'waiting', 'waiting', 'model'],
      ...['compacting', 'compacting', 'model'],
    ])
    expect(watching(true).watch.phase).toBe('resuming')
  })
})

describe('a turn hangs', () => {
  it.each([
    [[], 'starting', 10_000],
    [[STARTED], 'model', 30_000],
    [[STARTED, tool('started')], 'tool', 60_000],
    [[STARTED, { type: 'phase', phase: 'compacting' } as const], 'compacting', 40_000],
  ])('after %j without another event: %s, %i ms', async (events: TurnEvent[], phase, limitMs) => {
    const { clock, hung, take } = watching()
    await clock.settled()
    take(...events)
    await clock.advance(limitMs - 1_500)
    expect(hung).toEqual([])
    await clock.advance(3_000)
    expect(hung).toEqual([{ phase, limitMs }])
  })

  it('not while events come, however small', async () => {
    const { clock, hung, take, over } = watching()
    take(STARTED)
    for (let n = 0; n < 20; n += 1) {
      await clock.advance(25_000)
      take(ACTIVITY)
    }
    expect(hung).toEqual([])
    over.abort()
    await clock.advance(100_000)
    expect(hung).toEqual([])
    expect(clock.sleeping).toEqual([])
  })

  it('not in a wait that was announced, and then with the time of a model', async () => {
    const { clock, hung, take, waits } = watching()
    take(STARTED, waits(100_000))
    await clock.advance(128_000)
    expect(hung).toEqual([])
    await clock.advance(4_000)
    expect(hung).toEqual([{ phase: 'waiting', limitMs: 130_000 }])
  })

  it('but a runtime that wants to wait for days is not believed', async () => {
    const { clock, hung, take, waits } = watching()
    take(STARTED, waits(5 * 86_400_000))
    await clock.advance(3_700_000)
    expect(hung).toHaveLength(1)
  })
})
