import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { DockerEngine } from '../../src/adapters/docker/docker-engine.ts'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { sandboxName } from '../../src/adapters/docker/labels.ts'
import { EngineUnavailableError } from '../../src/domain/errors.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { SandboxHandle } from '../../src/domain/ports/sandbox.ts'
import { specHash } from '../../src/sandboxes/sandbox-spec.ts'
import { sandboxEngineContract } from '../contract/sandbox-engine.ts'
import { ENGINE_SOCKET, testScriptImage, whyNoEngine } from './test-image.ts'
import { TestInstall } from './test-sandbox.ts'

const garden = 'garden' as GroupName
const signal = () => AbortSignal.timeout(60_000)
const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

/** Prints `ready`, ends with 0 on SIGTERM and with the number in /workspace/exit when that appears. */
const STAY = `trap 'exit 0' TERM; echo ready; while [ ! -s /workspace/exit ]; do sleep 0.02; done
  code=$(cat /workspace/exit); rm -f /workspace/exit; exit "$code"`

describe.skipIf(missing)('with a real engine', () => {
  beforeAll(async () => {
    await testScriptImage()
  })

  sandboxEngineContract('DockerEngine', async () => {
    const install = await TestInstall.make()
    const { engine } = install
    return {
      engine,
      spec: (group) => install.spec(group, STAY),
      ready: (handle) => printed(engine, handle, 'ready'),
      exit: (handle, code) => writeFile(join(install.paths.workspace(handle.group), 'exit'), String(code)),
      restarted: () => install.another(),
      [Symbol.asyncDispose]: () => install[Symbol.asyncDispose](),
    }
  })

  test('a container of that name which is not ours is named and left alone', async () => {
    await using install = await TestInstall.make()
    const docker = engineClient(ENGINE_SOCKET)
    const spec = await install.spec('garden', STAY)
    const name = sandboxName(install.installId, garden)
    const foreign = await docker.createContainer({ name, Image: spec.image })
    try {
      await expect(install.engine.start(spec, signal())).rejects.toThrow(
        `${name} that is not of this install`,
      )
      expect((await foreign.inspect()).Id).toBe(foreign.id)
    } finally {
      await foreign.remove({ force: true })
    }
  })

  test('a missing image and a missing folder are told, and nothing is left', async () => {
    await using install = await TestInstall.make()
    const spec = await install.spec('garden', STAY)
    await expect(
      install.engine.start({ ...spec, image: 'creel-agent:none' }, signal()),
    ).rejects.toMatchObject({
      code: 'not_found',
      message: 'the image creel-agent:none is not on the engine',
    })
    const mounts = [{ source: '/nowhere/at/all', target: '/x', readOnly: true }]
    await expect(install.engine.start({ ...spec, mounts }, signal())).rejects.toThrow('/nowhere/at/all')
    await expect(install.engine.start({ ...spec, runtime: 'no-such' }, signal())).rejects.toThrow('no-such')
    expect(await install.engine.list(signal())).toEqual([])
  })

  test('a start given up half-way leaves nothing that a next start would trip over', async () => {
    await using install = await TestInstall.make()
    const spec = await install.spec('garden', STAY)
    for (const afterMs of [1, 10, 30, 60]) {
      const stop = new AbortController()
      const starting = install.engine.start(spec, stop.signal)
      setTimeout(() => stop.abort(new Error('given up')), afterMs)
      await expect(starting).rejects.toThrow('given up')
      expect(await install.engine.list(signal())).toEqual([])
    }
    await install.engine.start(spec, signal())
  })

  test('destroying twice at once is once', async () => {
    await using install = await TestInstall.make()
    const handle = await install.start('garden', STAY)
    await Promise.all([1, 2, 3].map(() => install.engine.destroy(handle, { graceMs: 0 })))
    expect(await install.engine.list(signal())).toEqual([])
  })

  test('a sandbox that ignores SIGTERM is killed after the grace', async () => {
    await using install = await TestInstall.make()
    const handle = await install.start('garden', `trap '' TERM; echo ready; while :; do sleep 1; done`)
    await printed(install.engine, handle, 'ready')
    const exit = install.engine.wait(handle, signal())
    await install.engine.destroy(handle, { graceMs: 1 })
    expect((await exit)?.code).toBe(137)
  })

  test('logs are the end of what was written, both streams, bounded', async () => {
    await using install = await TestInstall.make()
    const handle = await install.start('garden', 'echo one; echo two >&2; seq 1 20000; echo last')
    await install.engine.wait(handle, signal())
    const lines = (await install.engine.logs(handle, 3)).split('\n')
    expect(lines).toEqual(['19999', '20000', 'last', ''])
    expect((await install.engine.logs(handle, 1_000_000)).length).toBeLessThanOrEqual(64 * 1024)
  })
})

test('no engine at the socket is EngineUnavailableError with what to do', async () => {
  const engine = engineAt('/nowhere/docker.sock')
  await expect(engine.check(signal())).rejects.toBeInstanceOf(EngineUnavailableError)
  await expect(engine.list(signal())).rejects.toMatchObject({
    hint: expect.stringContaining('engine.socket'),
  })
})

test('an engine that dies while a sandbox is awaited ends the wait', async () => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    setTimeout(() => request.socket.destroy(), 20)
  })
  const socketPath = join(process.env.TMPDIR ?? '/tmp', `creel-engine-${process.pid}.sock`)
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  try {
    const handle = { group: garden, id: 'a', state: 'running', protocol: 1, specHash: '' } as const
    const waiting = engineAt(socketPath).wait({ ...handle, startedAt: 0 as UnixMs }, signal())
    await expect(waiting).rejects.toBeInstanceOf(EngineUnavailableError)
  } finally {
    server.close()
  }
})

function engineAt(socketPath: string): DockerEngine {
  const clock = { now: () => 0 as UnixMs, sleep: () => Promise.reject(new Error('not used')) }
  return new DockerEngine({ socketPath, installId: 'test', specHash, clock })
}

async function printed(engine: DockerEngine, handle: SandboxHandle, text: string): Promise<void> {
  await expect.poll(() => engine.logs(handle, 10), { timeout: 30_000, interval: 20 }).toContain(text)
}
