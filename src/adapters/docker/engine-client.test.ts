import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { engineClient } from './engine-client.ts'

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
