import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { all, begun, messages, world } from '../../../test/codex-world.ts'

describe('CodexTurn', () => {
  it('steers the running turn, and is too late for one that is over', async () => {
    const { onTurn, turn } = begun()
    const { start } = world(onTurn)
    const running = start('a', 'first')
    const events = all(running)
    const steered = running.steer('and this')
    const fakeTurn = await turn
    expect(await steered).toBe('accepted')
    expect(fakeTurn.inputs).toEqual(['first', 'and this'])
    fakeTurn.reply('both')
    expect(messages(await events)).toEqual(['both'])
    expect(await running.steer('more')).toBe('too-late')
  })

  it('is too late for a turn that ends while the steer is under way, or that never began', async () => {
    const { onTurn, turn } = begun()
    const { fake, start } = world(onTurn)
    const running = start('a', 'first')
    const events = all(running)
    const fakeTurn = await turn
    await settled()
    fakeTurn.end('completed')
    expect(await running.steer('late')).toBe('too-late')
    await events
    const lost = start('b', 'x', { resumeToken: 'thread-77' })
    const steer = lost.steer('x')
    await all(lost)
    expect(await steer).toBe('too-late')
    expect(fake.processes[0]?.calls.filter((call) => call === 'turn/steer').length).toBeLessThanOrEqual(1)
  })

  it('interrupts on abort, with the commands that run', async () => {
    const { onTurn, turn } = begun()
    const { fake, start } = world(onTurn)
    const abort = new AbortController()
    const events = all(start('a', 'x', {}, abort.signal))
    const fakeTurn = await turn
    fakeTurn.report('item/agentMessage/delta', { itemId: 'i', delta: 'half a' })
    await settled()
    abort.abort()
    expect((await events).at(-1)).toEqual({ type: 'interrupted' })
    expect(messages(await events)).toEqual([])
    await settled()
    expect(fake.processes[0]?.calls.slice(-2)).toEqual(['turn/interrupt', 'thread/backgroundTerminals/clean'])
    expect(fake.processes[0]?.killed).toBe(false)
  })

  it('does not begin a turn that is aborted before', async () => {
    const { fake, start } = world()
    expect(await all(start('a', 'x', {}, AbortSignal.abort()))).toEqual([{ type: 'interrupted' }])
    expect(fake.processes).toHaveLength(0)
  })

  it('reports the end of a turn that does not end, then kills, and holds back the next until then', async () => {
    const { onTurn, turn } = begun()
    const { fake, clock, start } = world(onTurn)
    fake.obeys = false
    const abort = new AbortController()
    const events = all(start('a', 'x', {}, abort.signal))
    await turn
    await settled()
    abort.abort()
    await clock.advance(1_000)
    expect((await events).at(-1)).toEqual({ type: 'interrupted' })
    expect(fake.processes[0]?.killed).toBe(false)
    fake.onTurn = (next) => next.reply('next')
    const next = all(start('a', 'y', { resumeToken: 'thread-1' }))
    await settled()
    expect(fake.processes[0]?.calls.filter((call) => call === 'turn/start')).toHaveLength(1)
    await clock.advance(4_500)
    expect(fake.processes[0]?.killed).toBe(true)
    expect(messages(await next)).toEqual(['next'])
    expect(fake.processes).toHaveLength(2)
    expect(clock.sleeping).toEqual([])
  })

  it('reports within a second even when the process answers nothing any more', async () => {
    const { onTurn, turn } = begun()
    const { fake, clock, start } = world(onTurn)
    const abort = new AbortController()
    const events = all(start('a', 'x', {}, abort.signal))
    await turn
    await settled()
    fake.processes[0]?.hang()
    abort.abort()
    await clock.advance(1_000)
    expect((await events).at(-1)).toEqual({ type: 'interrupted' })
    await clock.advance(5_000)
    expect(fake.processes[0]?.killed).toBe(true)
  })

  it('interrupts a turn whose reader leaves', async () => {
    const { onTurn, turn } = begun()
    const { fake, start } = world(onTurn)
    for await (const event of start('a', 'x')) {
      if (event.type === 'started') {
        await turn
        break
      }
    }
    await settled()
    await settled()
    expect(fake.processes[0]?.calls).toContain('turn/interrupt')
  })
})
