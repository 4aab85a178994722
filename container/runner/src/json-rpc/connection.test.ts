import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../../test/fakes/fake-clock.ts'
import { linkedPair } from '../../test/linked-pair.ts'
import {
  JsonRpcConnection,
  RpcClosedError,
  RpcError,
  type RpcHandlers,
  RpcTimeoutError,
} from './connection.ts'

const LONG = 60_000

function world(handlers: Partial<RpcHandlers> = {}) {
  const [ours, theirs] = linkedPair()
  const clock = new FakeClock()
  const heard: unknown[] = []
  const noise: unknown[] = []
  const sent: unknown[] = []
  theirs.open({
    line: (text) => void sent.push(JSON.parse(text)),
    tooLong: () => undefined,
    closed: () => undefined,
  })
  const connection = new JsonRpcConnection(
    ours,
    {
      notification: (method, params) => void heard.push([method, params]),
      request: () => ({}),
      noise: (kind, bytes) => void noise.push([kind, bytes]),
      ...handlers,
    },
    clock,
  )
  const say = (message: unknown) => theirs.send(JSON.stringify(message))
  return { connection, ours, theirs, clock, heard, noise, sent, say }
}

describe('JsonRpcConnection', () => {
  it('matches answers that come out of order to their requests', async () => {
    const { connection, say, sent } = world()
    const answers = Promise.all(['a', 'b', 'c'].map((method) => connection.request(method, {}, LONG)))
    await settled()
    expect(sent).toEqual([
      { id: 1, method: 'a', params: {} },
      { id: 2, method: 'b', params: {} },
      { id: 3, method: 'c', params: {} },
    ])
    for (const id of [3, 1, 2]) say({ id, result: `answer ${id}` })
    expect(await answers).toEqual(['answer 1', 'answer 2', 'answer 3'])
  })

  it('rejects with the error of an answer, whatever its shape', async () => {
    const { connection, say } = world()
    const first = connection.request('a', {}, LONG)
    const second = connection.request('b', {}, LONG)
    say({ id: 1, error: { code: -32600, message: 'no rollout found' } })
    say({ id: 2, error: 'odd' })
    await expect(first).rejects.toMatchObject({ name: 'RpcError', code: -32600, message: 'no rollout found' })
    await expect(second).rejects.toMatchObject({ name: 'RpcError', code: -32603 })
  })

  it('gives up on an answer that does not come, and takes a late one for noise', async () => {
    const { connection, clock, say, noise } = world()
    const answer = connection.request('slow', {}, 1_000)
    const rejected = expect(answer).rejects.toBeInstanceOf(RpcTimeoutError)
    await clock.advance(1_000)
    await rejected
    say({ id: 1, result: 'late' })
    await settled()
    expect(noise).toEqual([['unasked-answer', 24]])
    expect(clock.sleeping).toEqual([])
  })

  it('rejects all that is open when the other end goes, and all that comes after', async () => {
    const { connection, theirs } = world()
    const open = [connection.request('a', {}, LONG), connection.request('b', {}, LONG)]
    const rejected = Promise.all(
      open.map((answer) =>
        expect(answer).rejects.toMatchObject({ name: 'RpcClosedError', message: 'exit code 3' }),
      ),
    )
    theirs.end('exit code 3')
    await rejected
    await expect(connection.request('c', {}, LONG)).rejects.toBeInstanceOf(RpcClosedError)
    connection.notify('d')
    connection.close('again')
  })

  it('answers requests with the result, the error that was thrown, or an internal error', async () => {
    const answers: Readonly<Record<string, () => unknown>> = {
      good: () => ({ decision: 'accept' }),
      refused: () => {
        throw new RpcError(-32601, 'not here')
      },
      broken: () => {
        throw new TypeError('a bug')
      },
      nothing: () => undefined,
    }
    const { say, sent } = world({ request: (method) => answers[method]?.() })
    for (const method of Object.keys(answers)) say({ id: `id-${method}`, method, params: {} })
    await settled()
    expect(sent).toEqual([
      { id: 'id-good', result: { decision: 'accept' } },
      { id: 'id-refused', error: { code: -32601, message: 'not here' } },
      { id: 'id-broken', error: { code: -32603, message: 'a bug' } },
      { id: 'id-nothing', result: {} },
    ])
  })

  it('tells a request of the other side from an answer with the same id', async () => {
    const { connection, say, sent } = world({ request: () => ({ ours: true }) })
    const answer = connection.request('a', {}, LONG)
    say({ id: 1, method: 'theirs', params: {} })
    say({ id: 1, result: 'mine' })
    expect(await answer).toBe('mine')
    await settled()
    expect(sent).toContainEqual({ id: 1, result: { ours: true } })
  })

  it('skips what is no message, and goes on', async () => {
    const { theirs, heard, noise, say } = world()
    for (const line of ['Segmentation fault', '{"half":', '42', '[]', 'null', '{}', '{"id":99,"result":1}']) {
      theirs.send(line)
    }
    say({ method: 'turn/started', params: { turn: 1 } })
    await settled()
    expect(noise.map((entry) => (Array.isArray(entry) ? entry[0] : entry))).toEqual([
      'not-json',
      'not-json',
      'not-a-message',
      'not-a-message',
      'not-a-message',
      'not-a-message',
      'unasked-answer',
    ])
    expect(heard).toEqual([['turn/started', { turn: 1 }]])
  })
})
