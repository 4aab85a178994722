import { once } from 'node:events'
import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { GroupName } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { SocketDoorbell } from './socket-doorbell.ts'

const A = 'alpha' as GroupName
const WAIT = { timeout: 10_000, interval: 5 }

let root: string
let paths: Paths
let doorbell: SocketDoorbell
let sockets: Socket[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-bell-'))
  paths = new Paths(join(root, 'd'), join(root, 'g'))
  doorbell = new SocketDoorbell({ paths })
  sockets = []
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await doorbell.close()
  rmSync(root, { recursive: true })
})

/** Connects, and never throws: a refused connection is closed. */
function dial(): Socket {
  const socket = connect(paths.doorbell(A))
  socket.on('error', () => socket.destroy())
  socket.resume()
  sockets.push(socket)
  return socket
}

it('can be rung by any uid, whatever the umask', async () => {
  const before = process.umask(0o077)
  await doorbell.open(A, vi.fn()).finally(() => process.umask(before))
  expect(lstatSync(paths.doorbell(A)).mode & 0o777).toBe(0o666)
  expect(lstatSync(paths.runDir(A)).mode & 0o777).toBe(0o755)
})

it('listens where an earlier process left its socket, and again where the file was removed', async () => {
  mkdirSync(dirname(paths.doorbell(A)), { recursive: true })
  writeFileSync(paths.doorbell(A), 'left over')
  const onRing = vi.fn()
  await doorbell.open(A, onRing)
  rmSync(paths.doorbell(A))
  await doorbell.open(A, onRing)
  dial().write('\n')
  await vi.waitFor(() => expect(onRing).toHaveBeenCalled(), WAIT)
})

it('says how long the path is and how long it may be', async () => {
  const far = new SocketDoorbell({ paths: new Paths(join(root, 'x'.repeat(100)), 'g') })
  await expect(far.open(A, vi.fn())).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/is \d+ bytes, more than the 10[37]/),
    hint: expect.stringContaining('shorter data_dir'),
  })
})

it('hears a flood as a few rings', async () => {
  const onRing = vi.fn()
  await doorbell.open(A, onRing)
  const socket = dial()
  await once(socket, 'connect')
  const flood = Buffer.alloc(64 * 1024, '\n')
  const begun = performance.now()
  while (performance.now() - begun < 1_000) {
    if (!socket.write(flood)) await Promise.race([once(socket, 'drain'), sleep(20)])
  }
  expect(onRing.mock.calls.length).toBeGreaterThan(1)
  expect(onRing.mock.calls.length).toBeLessThan(65 + ((performance.now() - begun) / 1_000) * 120)
})

it('keeps four connections and closes the others', async () => {
  await doorbell.open(A, vi.fn())
  const all = Array.from({ length: 8 }, dial)
  await vi.waitFor(() => expect(all.filter((socket) => socket.closed)).toHaveLength(4), WAIT)
  expect(doorbell.connected(A)).toBe(true)
})

it('shuts the door on a flood of connections, keeps who is in, and opens it again', async () => {
  const onRing = vi.fn()
  await doorbell.open(A, onRing)
  const inside = dial()
  await once(inside, 'connect')
  const flood = Array.from({ length: 60 }, dial)
  await vi.waitFor(() => expect(flood.filter((socket) => socket.closed).length).toBeGreaterThan(50), WAIT)
  await vi.waitFor(
    () => expect(lstatSync(paths.doorbell(A), { throwIfNoEntry: false })).toBeUndefined(),
    WAIT,
  )
  inside.write('\n')
  await vi.waitFor(() => expect(onRing).toHaveBeenCalled(), WAIT)
  await vi.waitFor(() => expect(lstatSync(paths.doorbell(A)).isSocket()).toBe(true), WAIT)
})

it('does not wait for a runner that never reads', async () => {
  await doorbell.open(A, vi.fn())
  const deaf = connect(paths.doorbell(A))
  sockets.push(deaf)
  await once(deaf, 'connect')
  await vi.waitFor(() => expect(doorbell.connected(A)).toBe(true), WAIT)
  const begun = performance.now()
  for (let i = 0; i < 20_000; i++) doorbell.ring(A)
  expect(performance.now() - begun).toBeLessThan(2_000)
})
