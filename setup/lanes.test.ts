import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inLanes } from './lanes.ts'

it('works on as many as allowed at once, begins them in order, and keeps the order of results', async () => {
  const begun: number[] = []
  let now = 0
  let most = 0
  const results = await inLanes([5, 1, 3, 1], 2, async (turns) => {
    begun.push(turns)
    most = Math.max(most, ++now)
    for (let i = 0; i < turns; i++) await turn()
    now--
    return turns * 10
  })
  expect(results).toEqual([50, 10, 30, 10])
  expect(begun).toEqual([5, 1, 3, 1])
  expect(most).toBe(2)
})

it('begins no other after a failure, and rejects only when what was under way has ended', async () => {
  const ended: string[] = []
  const work = async (name: string) => {
    await turn()
    if (name === 'bad') throw new Error('bad')
    for (let i = 0; i < 3; i++) await turn()
    ended.push(name)
  }
  await expect(inLanes(['slow', 'bad', 'never'], 2, work)).rejects.toThrow('bad')
  expect(ended).toEqual(['slow'])
})

it('with nothing to do gives nothing', async () => {
  expect(await inLanes([], 2, () => Promise.reject(new Error('not to be called')))).toEqual([])
})
