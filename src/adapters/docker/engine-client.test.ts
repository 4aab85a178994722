import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'
import { engineClient, withPatience } from './engine-client.ts'

test('a call does not describe all that its signal holds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'creel-eng-'))
  const path = join(folder, 'engine.sock')
  const server = createServer((_, response) => response.end('{"ID":"here"}')).listen(path)
  await once(server, 'listening')
  try {
    let looks = 0
    const { signal } = new AbortController()
    Object.defineProperty(signal, inspect.custom, { value: () => `look ${++looks}` })
    expect(inspect({ signal })).toContain('look 1')
    const info = await engineClient(path).info({ abortSignal: signal } as never)
    expect(info).toEqual({ ID: 'here' })
    expect(looks).toBe(1)
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
})

test('a call that is better awaited is given up later than its caller wished, and not at all when it is answered', async () => {
  vi.useFakeTimers()
  try {
    const stop = new AbortController()
    const answer = Promise.withResolvers<string>()
    let patient = new AbortController().signal
    const call = withPatience(stop.signal, 5_000, (signal) => {
      patient = signal
      return answer.promise
    })
    stop.abort(new Error('given up'))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(patient.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(patient.reason).toEqual(new Error('given up'))
    answer.resolve('late')
    expect(await call).toBe('late')
    const later = new AbortController()
    expect(await withPatience(later.signal, 5_000, async () => 'at once')).toBe('at once')
    later.abort()
    expect(vi.getTimerCount()).toBe(0)
    await expect(withPatience(stop.signal, 5_000, async () => 'never asked')).rejects.toThrow('given up')
  } finally {
    vi.useRealTimers()
  }
})
