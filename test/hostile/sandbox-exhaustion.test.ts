// T5: what an agent could use up. Every script here runs under the real spec, with the limits named.
import { stat } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { ENGINE_SOCKET, whyNoEngine } from '../docker/test-image.ts'
import { TestInstall } from '../docker/test-sandbox.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

const signal = () => AbortSignal.timeout(120_000)
const MIB = 1024 * 1024

describe.skipIf(missing)('a hostile agent that uses up what it can', () => {
  const docker = engineClient(ENGINE_SOCKET)
  let install: TestInstall
  beforeAll(async () => {
    install = await TestInstall.make()
  })
  afterAll(() => install[Symbol.asyncDispose]())

  test('a fork bomb stays within its process limit, others answer, and it can be destroyed', async () => {
    const bomb = '(while :; do sleep 600 & done) & exec sleep 600'
    const handle = await install.start('garden', bomb, { pids: 64, cpus: 0.5 })
    const processes = async () => {
      const stats = await docker.getContainer(handle.id).stats({ stream: false, 'one-shot': true })
      return stats.pids_stats?.current ?? 0
    }
    await expect.poll(processes, { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(60)
    expect(await install.run('kitchen', 'echo alive')).toBe('alive\n')
    expect(await processes()).toBeLessThanOrEqual(64)
    await install.engine.destroy(handle, { graceMs: 0 })
    expect(await install.engine.list(signal())).toEqual([])
  })

  test('a memory bomb dies of its own limit and is told as such', async () => {
    const bomb = 'exec node -e "const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1))"'
    const handle = await install.start('garden', bomb, { memory_mb: 128 })
    expect(await install.engine.wait(handle, signal())).toEqual({ code: 137, oomKilled: true })
    await install.engine.destroy(handle, { graceMs: 0 })
  })

  test('filling /tmp counts against its size, and against the memory of the sandbox', async () => {
    const output = await install.run(
      'garden',
      '{ head -c 64M /dev/zero >/tmp/big; } 2>&1; stat -c %s /tmp/big',
      {
        tmp_mb: 16,
      },
    )
    expect(output).toContain('No space left on device')
    expect(Number(output.trim().split('\n').at(-1))).toBeLessThanOrEqual(16 * MIB)

    const handle = await install.start(
      'garden',
      "exec node -e \"for (const fs = require('fs');;) fs.appendFileSync('/tmp/x', Buffer.alloc(1 << 20))\"",
      {
        tmp_mb: 1024,
        memory_mb: 128,
      },
    )
    expect((await install.engine.wait(handle, signal()))?.code).not.toBe(0)
    await install.engine.destroy(handle, { graceMs: 0 })
  })

  test('nothing can be run from /tmp', async () => {
    const output = await install.run('garden', 'cp /usr/bin/id /tmp/id && chmod 755 /tmp/id && /tmp/id')
    expect(output).toContain('Permission denied')
    expect(output).not.toContain('uid=')
  })

  test('a busy loop gets its share of a processor and no more', async () => {
    const script = `node -e "const end = Date.now() + 2000; while (Date.now() < end); console.log(process.cpuUsage().user + process.cpuUsage().system)"`
    const micros = Number(await install.run('garden', script, { cpus: 0.2 }))
    expect(micros).toBeGreaterThan(0)
    expect(micros).toBeLessThan(1_000_000)
  })

  test('a flood of files opened stops at the limit', async () => {
    const script = `node -e "const fs = require('fs'); let n = 0; try { for (;; n++) fs.openSync('/etc/passwd') } catch (error) { console.log(error.code, n) }"`
    const [code, count] = (await install.run('garden', script)).trim().split(' ')
    expect(code).toBe('EMFILE')
    expect(Number(count)).toBeLessThan(16_384)
  })

  test('a flood of output takes bounded disk and can still be read', async () => {
    const handle = await install.start(
      'garden',
      'head -c 30M /dev/zero | tr "\\0" "x" | fold -w 1000; echo end',
    )
    await install.engine.wait(handle, signal())
    expect((await install.engine.logs(handle, 1000)).length).toBeLessThanOrEqual(64 * 1024)
    const { LogPath } = await docker.getContainer(handle.id).inspect()
    const sizes = await Promise.all([LogPath, `${LogPath}.1`, `${LogPath}.2`].map(sizeOf))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5 * MIB)
    await install.engine.destroy(handle, { graceMs: 0 })
  })
})

/** 0 for a file that is not there, or not for us to see: an engine's folder is open to root alone. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EACCES'].includes(String(error.code)))
      return 0
    throw error
  }
}
