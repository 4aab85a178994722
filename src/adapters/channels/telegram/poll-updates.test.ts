import type { Api } from 'grammy'
import type { Update } from 'grammy/types'
import { expect, test } from 'vitest'
import { UpdatePoller } from './poll-updates.ts'

const update = (id: number) => ({ update_id: id }) as Update
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** A platform with these updates, asked until everything is confirmed; notes the offsets that it was asked for. */
async function pollAll(
  updates: readonly number[],
  take: (update: Update) => void,
  together?: <T>(work: () => T) => T,
): Promise<number[]> {
  const offsets: number[] = []
  const stop = new AbortController()
  const getUpdates = async ({ offset = 0 }: { offset?: number }) => {
    offsets.push(offset)
    const left = updates.filter((id) => id >= offset)
    if (left.length === 0) stop.abort()
    return left.map(update)
  }
  const api = { getUpdates } as unknown as Api
  const poller = new UpdatePoller({ api, log: quiet as never, backoff: { minMs: 1, maxMs: 1 } })
  await poller.run(take, stop.signal, together)
  return offsets
}

test('what came in one answer is taken together, and confirmed after that', async () => {
  const order: string[] = []
  const together = <T>(work: () => T): T => {
    order.push('begin')
    const result = work()
    order.push('commit')
    return result
  }
  const offsets = await pollAll([1, 2], ({ update_id }) => order.push(`take ${update_id}`), together)
  expect(order.slice(0, 4)).toEqual(['begin', 'take 1', 'take 2', 'commit'])
  expect(offsets).toEqual([0, 3])
})

test('a commit that fails confirms nothing: all of it comes again', async () => {
  let full = true
  const taken: number[] = []
  const together = <T>(work: () => T): T => {
    const result = work()
    if (!full) return result
    full = false
    throw new Error('disk full')
  }
  const offsets = await pollAll([1, 2], ({ update_id }) => taken.push(update_id), together)
  expect([offsets, taken]).toEqual([
    [0, 0, 3],
    [1, 2, 1, 2],
  ])
})

test('one that is not kept, and those behind it, come again; those before it do not', async () => {
  let fails = 1
  const taken: number[] = []
  const take = ({ update_id }: Update) => {
    if (update_id === 2 && fails-- > 0) throw new Error('no')
    taken.push(update_id)
  }
  expect(await pollAll([1, 2, 3], take, (work) => work())).toEqual([0, 2, 4])
  expect(taken).toEqual([1, 2, 3])
})
