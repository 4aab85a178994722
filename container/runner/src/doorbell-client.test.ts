import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DOORBELL_FILE, RING, SANDBOX_PATHS } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RunnerRig } from '../../../test/runner/runner-rig.ts'
import { systemClock } from './clock.ts'
import { DoorbellClient } from './doorbell-client.ts'

/** The host's end, listening at `path`. */
async function bellAt(path: string) {
  const sockets = new Set<Socket>()
  let heard = 0
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (data) => {
      heard += data.length
    })
    socket.on('error', () => sockets.delete(socket))
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    sockets,
    heard: () => heard,
    ring: () => {
      for (const socket of sockets) socket.write(RING)
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

let folder: string
let stop: AbortController
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-bell-'))
  stop = new AbortController()
})
afterEach(() => {
  stop.abort()
  rmSync(folder, { recursive: true })
})

function client(path: string) {
  let rings = 0
  const bell = new DoorbellClient({ path, clock: systemClock, onRing: () => rings++ })
  return { bell, rings: () => rings, done: bell.run(stop.signal) }
}

describe('doorbell client', () => {
  it('counts a new connection as a ring both ways, then hears and rings', async () => {
    const path = join(folder, 'bell.sock')
    const host = await bellAt(path)
    const { bell, rings, done } = client(path)
    await vi.waitFor(() => expect(host.sockets.size).toBe(1))
    await vi.waitFor(() => expect(rings()).toBe(1))
    await vi.waitFor(() => expect(host.heard()).toBe(1))
    host.ring()
    await vi.waitFor(() => expect(rings()).toBe(2))
    bell.ring()
    await vi.waitFor(() => expect(host.heard()).toBe(2))
    stop.abort()
    await done
    await host.close()
  })

  it('waits for a host that is not there yet, and finds a restarted one at the same path', async () => {
    const path = join(folder, 'bell.sock')
    const { bell, rings, done } = client(path)
    bell.ring()
    for (let restart = 1; restart <= 3; restart++) {
      const host = await bellAt(path)
      await vi.waitFor(() => expect(rings()).toBe(restart), { timeout: 5_000 })
      bell.ring()
      await vi.waitFor(() => expect(host.heard()).toBeGreaterThanOrEqual(1))
      await host.close()
    }
    stop.abort()
    await done
  })

  it('drops rings for a host that does not read, and never blocks', async () => {
    const path = join(folder, 'bell.sock')
    const host = await bellAt(path)
    const { bell, rings, done } = client(path)
    await vi.waitFor(() => expect(rings()).toBe(1))
    await vi.waitFor(() => expect(host.sockets.size).toBe(1))
    for (const socket of host.sockets) socket.pause()
    const from = performance.now()
    for (let n = 0; n < 1_000_000; n++) bell.ring()
    expect(performance.now() - from).toBeLessThan(5_000)
    expect(host.heard()).toBeLessThan(1_000)
    stop.abort()
    await done
    await host.close()
  })
})

describe('a runner', () => {
  it('is woken by the bell long before its poll, and rings for what it commits', async () => {
    using rig = new RunnerRig({ pollMs: 60_000 })
    const host = await bellAt(join(rig.path(SANDBOX_PATHS.run), DOORBELL_FILE))
    const runner = rig.start()
    await rig.seen(() => expect(host.heard()).toBe(1))
    const seq = rig.say('hello')
    host.ring()
    await rig.settled(seq)
    await rig.seen(() => expect(host.heard()).toBeGreaterThanOrEqual(2))
    await runner.stop()
    await host.close()
  })

  it('works by its poll alone when there is no bell', async () => {
    using rig = new RunnerRig({ pollMs: 30 })
    const runner = rig.start()
    await rig.settled(rig.say('one'))
    await rig.settled(rig.say('two'))
    expect(rig.replies()).toHaveLength(2)
    await runner.stop()
  })
})
