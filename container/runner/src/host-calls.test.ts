import type { OutboxCall, OutboxEntry } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { HOST_CALL_MS, HostCalls } from './host-calls.ts'

const entry: OutboxCall = { type: 'call', inboxSeq: 1, id: 'a:1', name: 'note', args: '{}' }
const result = { type: 'result', inboxSeq: 1, callId: 'a:1', ok: true, text: 'noted' } as const

class Desk {
  readonly committed: OutboxEntry[] = []
  readonly sleeps: number[] = []
  commits = true
  awake = Promise.withResolvers<void>()
  readonly calls = new HostCalls({
    commits: {
      commit: async (entries) => {
        this.committed.push(...entries)
        return this.commits
      },
    },
    clock: {
      now: () => 0,
      sleep: async (ms, signal) => {
        this.sleeps.push(ms)
        await Promise.race([
          this.awake.promise,
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        ])
      },
    },
  })
}

const never = new AbortController().signal

describe('a call of the host', () => {
  it('waits for its own answer and no other', async () => {
    const desk = new Desk()
    const call = desk.calls.call(entry, never)
    await expect.poll(() => desk.sleeps).toEqual([HOST_CALL_MS])
    desk.calls.answered({ ...result, inboxSeq: 2, text: 'of another turn' })
    desk.calls.answered({ ...result, callId: 'b:1', text: 'of another call' })
    desk.calls.answered(result)
    expect(await call).toEqual({ kind: 'answered', ok: true, text: 'noted' })
    expect(desk.committed).toEqual([entry])
  })

  it('that was answered before is not made again', async () => {
    const desk = new Desk()
    desk.calls.answered(result)
    expect(await desk.calls.call(entry, never)).toMatchObject({ kind: 'answered' })
    expect(desk.committed).toEqual([])
  })

  it('whose answer is forgotten is made again: the host answers again', async () => {
    const desk = new Desk()
    desk.calls.answered(result)
    for (let n = 0; n < 200; n++) desk.calls.answered({ ...result, callId: `b:${n}` })
    const call = desk.calls.call(entry, never)
    await expect.poll(() => desk.committed).toEqual([entry])
    desk.calls.answered(result)
    expect(await call).toMatchObject({ kind: 'answered' })
  })

  it('ends without an answer: in time, when it cannot be written, when the turn is stopped', async () => {
    const desk = new Desk()
    const silent = desk.calls.call(entry, never)
    await expect.poll(() => desk.sleeps).toHaveLength(1)
    desk.awake.resolve()
    expect(await silent).toEqual({ kind: 'silent' })
    desk.awake = Promise.withResolvers<void>()
    desk.commits = false
    expect(await desk.calls.call(entry, never)).toEqual({ kind: 'failed' })
    desk.commits = true
    const stop = new AbortController()
    const stopped = desk.calls.call(entry, stop.signal)
    await expect.poll(() => desk.sleeps).toHaveLength(2)
    stop.abort()
    expect(await stopped).toEqual({ kind: 'over' })
  })
})
