import { expect, it } from 'vitest'
import { FakeClock } from '../../../../test/fakes/fake-clock.ts'
import { CallGate } from './call-gate.ts'

const none = async () => undefined

it('gives each call to the session that announced it, in the order of their leave', async () => {
  const gate = new CallGate(new FakeClock())
  const left: string[] = []
  const come = (session: string) => async () => {
    left.push(session)
    // What was let go comes at once; what was not, not.
    expect(gate.claim('other_tool')).toBeUndefined()
    expect(gate.claim('send_message')).toBe(session)
    expect(gate.claim('send_message')).toBeUndefined()
  }
  await Promise.all(
    ['a', 'b', 'c'].map((session) => gate.pass({ tool: 'send_message', session }, come(session))),
  )
  expect(left).toEqual(['a', 'b', 'c'])
})

it('knows no call that nobody announced, nor one that comes too late', async () => {
  const clock = new FakeClock()
  const gate = new CallGate(clock)
  expect(gate.claim('send_message')).toBeUndefined()
  const passed = gate.pass({ tool: 'send_message', session: 'a' }, none)
  await clock.settled()
  await clock.advance(3_000)
  await passed
  expect(gate.claim('send_message')).toBeUndefined()
})

it('goes on with the next call when the leave could not be given', async () => {
  const gate = new CallGate(new FakeClock())
  const refused = gate.pass({ tool: 'send_message', session: 'a' }, () => Promise.reject(new Error('gone')))
  const next = gate.pass({ tool: 'get_status', session: 'b' }, async () => {
    expect(gate.claim('send_message')).toBeUndefined()
    expect(gate.claim('get_status')).toBe('b')
  })
  await expect(refused).rejects.toThrow('gone')
  await next
})
