import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { childFlags } from '../../child-flags.ts'
import { LoopWatch } from './loop-watch.ts'

let folder: string
let logFile: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-loop-'))
  logFile = join(folder, 'host.log')
})
afterEach(() => rmSync(folder, { recursive: true }))

function block(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test('tells of a loop that was held up, how long, and how often', async () => {
  const onHeldUp = vi.fn()
  const watch = new LoopWatch({ logFile, onHeldUp, lookMs: 20 })
  try {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const heldUp = () => {
      block(300)
      expect(onHeldUp).toHaveBeenCalled()
    }
    await vi.waitFor(heldUp, { timeout: 10_000, interval: 100 })
    expect(onHeldUp.mock.calls.some(([ms]) => ms >= 200)).toBe(true)
    expect(watch.delay().maxMs).toBeGreaterThanOrEqual(200)
    expect(watch.delay().heldUp).toBeGreaterThanOrEqual(1)
  } finally {
    await watch.stop()
    await watch.stop()
  }
  expect(existsSync(logFile)).toBe(false)
})

test('says nothing of work that is excepted, and forgets nothing that came before it', async () => {
  const onHeldUp = vi.fn()
  const watch = new LoopWatch({ logFile, onHeldUp, lookMs: 20, stuckLooks: 1_000 })
  const turn = () => new Promise((resolve) => setTimeout(resolve, 50))
  try {
    await turn()
    watch.except(() => block(2_000))
    await turn()
    expect(watch.delay().maxMs).toBeLessThan(1_500)
    block(400)
    await turn()
    watch.except(() => undefined)
    expect(watch.delay().maxMs).toBeGreaterThanOrEqual(300)
    await vi.waitFor(() => expect(onHeldUp).toHaveBeenCalledTimes(1), { timeout: 10_000, interval: 20 })
  } finally {
    await watch.stop()
  }
})

test('ends a process whose loop stands still, with a word in the log; one that only works hard goes on', async () => {
  const script = `
    const { LoopWatch } = await import(${JSON.stringify(join(import.meta.dirname, 'loop-watch.ts'))})
    new LoopWatch({ logFile: ${JSON.stringify(logFile)}, onHeldUp: () => undefined, lookMs: 50, stuckLooks: 30 })
    const block = (ms) => { for (const until = Date.now() + ms; Date.now() < until; ); }
    for (let n = 0; n < 2; n++) { block(900); await new Promise((resolve) => setTimeout(resolve, 100)) }
    console.log('still here')
    for (;;) block(1_000)`
  const file = join(folder, 'works-hard.mjs')
  writeFileSync(file, script)
  const child = spawn(process.execPath, [...childFlags(128), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  expect(said).toContain('still here')
  expect(JSON.parse(readFileSync(logFile, 'utf8'))).toMatchObject({ level: 60, event: 'host.stuck' })
})
