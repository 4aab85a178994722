import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import { EventReader } from './event-reader.ts'
import { WebWorld } from './web-world.ts'

const WAIT = { timeout: 10_000, interval: 5 }
const group = 'main' as GroupName

describe('web events', () => {
  let world: WebWorld
  let cookie: string
  const readers: EventReader[] = []
  beforeEach(async () => {
    world = await new WebWorld({ heartbeatMs: 20 }).start()
    cookie = await world.logIn()
  })
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close()
    await world[Symbol.asyncDispose]()
  })

  async function open(seen?: number): Promise<EventReader> {
    const reader = await EventReader.open(world, cookie, seen)
    readers.push(reader)
    return reader
  }
  const ids = (reader: EventReader): number[] => reader.named('line').map((event) => Number(event.id))

  it('gives the history, then what is new, each line with its number', async () => {
    await world.post(cookie, 'a <b>question</b>', 'question-1')
    await world.agentSays('an **answer**', 'k1')
    const reader = await open()
    await reader.until('ready')
    expect(reader.events.map((event) => event.name).slice(0, 3)).toEqual(['line', 'line', 'ready'])
    expect(reader.events[0]?.data).toMatchObject({ id: 1, author: 'user', text: 'a <b>question</b>' })
    expect(reader.events[1]?.data).toMatchObject({
      id: 2,
      author: 'agent',
      html: '<p>an <strong>answer</strong></p>\n',
    })
    await world.agentSays('more', 'k2')
    expect((await reader.until('line', 3))[2]).toMatchObject({ id: '3' })
  })

  it('continues after a lost connection without a gap and without a double', async () => {
    const whole = await open()
    await whole.until('ready')
    let seen = 0
    let expected = 0
    for (let round = 0; round < 10; round++) {
      const reader = await open(seen)
      await reader.until('ready')
      await world.agentSays(`live ${round}`, `live-${round}`)
      expected += 1
      await reader.until('line', expected - seen)
      expect(ids(reader)).toEqual(Array.from({ length: expected - seen }, (_, index) => seen + index + 1))
      seen = expected
      reader.close()
      await world.agentSays(`missed ${round}`, `missed-${round}`)
      expected += 1
    }
    await whole.until('line', expected)
    expect(ids(whole)).toEqual(Array.from({ length: expected }, (_, index) => index + 1))
  })

  it('starts over when too much was missed, or when the page knows another database', async () => {
    for (let index = 0; index < 210; index++) await world.agentSays(`line ${index}`, `k${index}`)
    const late = await open(2)
    await late.until('ready')
    expect(late.events[0]?.name).toBe('reset')
    expect(ids(late)).toHaveLength(200)
    expect(ids(late).at(-1)).toBe(210)
    expect(late.named('ready')[0]?.data).toEqual({ older: true })
    const stranger = await open(9999)
    await stranger.until('ready')
    expect(stranger.events[0]?.name).toBe('reset')
    const upToDate = await open(210)
    await upToDate.until('ready')
    expect(upToDate.events.map((event) => event.name).slice(0, 1)).toEqual(['ready'])
  })

  it('shows a running turn, to latecomers too, and forgets it with the turn', async () => {
    const reader = await open()
    await reader.until('ready')
    world.channel.showProgress(world.address(), { group, text: 'so *far*', activity: 'Reading' })
    const [shown] = await reader.until('progress')
    expect(shown?.data).toEqual({ html: '<p>so <em>far</em></p>\n', activity: 'Reading' })
    const latecomer = await open()
    expect((await latecomer.until('progress'))[0]?.data).toEqual(shown?.data)
    world.channel.showProgress(world.address(), null)
    await reader.until('idle')
    const later = await open()
    await later.until('beat')
    expect(later.named('progress')).toEqual([])
  })

  it('shows the last of many steps, not each', async () => {
    const reader = await open()
    await reader.until('ready')
    for (let step = 0; step <= 500; step++) {
      world.channel.showProgress(world.address(), { group, text: `step ${step}` })
    }
    await vi.waitFor(() => {
      expect(reader.named('progress').at(-1)?.data).toEqual({ html: '<p>step 500</p>\n' })
    }, WAIT)
    expect(reader.named('progress').length).toBeLessThan(5)
  })

  it('shows no stale partial text after the line that holds it', async () => {
    const reader = await open()
    await reader.until('ready')
    world.channel.showProgress(world.address(), { group, text: 'one' })
    world.channel.showProgress(world.address(), { group, text: 'one two' })
    await world.agentSays('one two three', 'k')
    await reader.until('line')
    const beats = reader.named('beat').length
    await reader.until('beat', beats + 10)
    expect(reader.events.filter((event) => event.name !== 'beat').at(-1)?.name).toBe('line')
  })

  it('keeps silent streams alive and ends those whose login was ended', async () => {
    const reader = await open()
    await reader.until('beat', 3)
    expect(reader.comments).toBeGreaterThanOrEqual(3)
    world.logins.revokeAll()
    await vi.waitFor(() => expect(reader.ended).toBe(true), WAIT)
  })

  it('limits the open streams of one login', async () => {
    for (let index = 0; index < 12; index++) await open()
    const answer = await world.ask('/api/chats/main/events', { headers: { cookie } })
    expect(answer.status).toBe(429)
    readers.shift()?.close()
    await vi.waitFor(async () => {
      const reader = await open()
      await reader.until('ready')
    }, WAIT)
  })

  it('cuts off a reader who does not read, and holds nobody else up', async () => {
    const slow = await open()
    await slow.until('ready')
    slow.stall()
    const quick = await open()
    const closed = new Promise<void>((resolve) => slow.onceClosed(resolve))
    let sent = 0
    for (; sent < 200; sent++) {
      await world.agentSays('x'.repeat(150_000), `big-${sent}`)
      await quick.until('line', sent + 1)
    }
    slow.resume()
    await closed
    expect(slow.named('line').length).toBeLessThan(200)
    const again = await open(Number(slow.named('line').at(-1)?.id ?? 0))
    await again.until('ready')
    expect(ids(again).at(-1)).toBe(200)
  })
})
