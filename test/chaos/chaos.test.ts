import { expect, it } from 'vitest'
import { runChaos } from './chaos-run.ts'

it('x', async () => {
  const r = await runChaos({
    seed: Number(process.env.SEED ?? 1),
    maxMs: Number(process.env.MS ?? 40_000),
    kills: 1000,
    messages: 100000,
    say: (l) => console.log(l),
    ...(process.env.MUT ? { mutation: process.env.MUT } : {}),
  })
  console.log(JSON.stringify(r, null, 1))
  expect(r.complaints).toEqual([])
})
