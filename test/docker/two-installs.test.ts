import { describe, expect, test } from 'vitest'
import { whyNoEngine } from './test-image.ts'
import { TestInstall } from './test-sandbox.ts'

const signal = () => AbortSignal.timeout(60_000)
const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

describe.skipIf(missing)('two installs on one engine', () => {
  test('run a group of the same name side by side, and neither sees nor touches the other', async () => {
    await using here = await TestInstall.make()
    await using there = await TestInstall.make()
    const ours = await here.start('garden', 'sleep 600')
    const theirs = await there.start('garden', 'sleep 600')
    expect((await here.engine.list(signal())).map((handle) => handle.id)).toEqual([ours.id])
    expect((await there.engine.list(signal())).map((handle) => handle.id)).toEqual([theirs.id])

    const again = await here.start('garden', 'sleep 600')
    await here.engine.destroy(again, { graceMs: 0 })
    expect(await here.engine.list(signal())).toEqual([])
    expect(await there.engine.list(signal())).toMatchObject([{ id: theirs.id, state: 'running' }])
  })
})
