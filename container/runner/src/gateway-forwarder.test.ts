import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { GATEWAY_FILE, SANDBOX_PATHS } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunnerRig } from '../../../test/runner/runner-rig.ts'
import { systemClock } from './clock.ts'
import { GatewayForwarder } from './gateway-forwarder.ts'

let folder: string
let path: string
let forwarder: GatewayForwarder
let port: number
const opened = new Set<Socket>()
const hostEnds = new Set<Socket>()
const servers = new Set<Server>()

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'creel-gw-'))
  path = join(folder, GATEWAY_FILE)
  forwarder = new GatewayForwarder({ port: 0, path, clock: systemClock })
  port = await forwarder.listen()
})
afterEach(async () => {
  await forwarder.close()
  for (const socket of opened) socket.destroy()
  opened.clear()
  await Promise.all([...servers].map(stop))
  rmSync(folder, { recursive: true })
})

/** The host's end: each connection is handled by `serve`. */
async function host(serve: (socket: Socket) => void, at = path): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    hostEnds.add(socket)
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  servers.add(server)
  server.listen(at)
  await once(server, 'listening')
  return server
}

async function stop(server: Server): Promise<void> {
  servers.delete(server)
  for (const socket of hostEnds) socket.destroy()
  if (server.listening) await new Promise((resolve) => server.close(resolve))
}

function dial(to = port): Socket {
  const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
  opened.add(socket)
  socket.on('error', () => socket.destroy())
  return socket
}

/** Reads `socket` to its end and resolves when it is closed, for whatever reason. */
async function closed(socket: Socket): Promise<void> {
  socket.resume()
  await expect.poll(() => socket.closed, { timeout: 10_000 }).toBe(true)
}

describe('the forwarder', () => {
  it('carries bytes both ways and each end of a stream by itself', async () => {
    await host(async (socket) => {
      const said = await text(socket)
      socket.end(`${said.length} bytes, last ${said.at(-1)}`)
    })
    const client = dial()
    client.end('x'.repeat(3_000_000))
    expect(await text(client)).toBe('3000000 bytes, last x')
  })

  it('holds a client back whose host does not read', async () => {
    await host((socket) => socket.pause())
    const client = dial()
    await once(client, 'connect')
    const chunk = Buffer.alloc(1 << 20)
    for (let n = 0; n < 64; n++) client.write(chunk)
    await systemClock.sleep(300, new AbortController().signal)
    expect(client.writableLength).toBeGreaterThan(32 << 20)
  })

  it('waits for a host that is away, and finds a restarted one', async () => {
    const early = dial()
    const first = await host((socket) => socket.end('one'))
    expect(await text(early)).toBe('one')
    await stop(first)
    const late = dial()
    await host((socket) => socket.end('two'))
    expect(await text(late)).toBe('two')
  })

  it('ends a client whose host dies, and a host connection whose client dies', async () => {
    const seen: Socket[] = []
    const server = await host((socket) => seen.push(socket.resume()))
    const client = dial()
    client.write('hello')
    await expect.poll(() => seen.length).toBe(1)
    await stop(server)
    client.end()
    await closed(client)

    await host((socket) => seen.push(socket.resume()))
    const other = dial()
    other.write('hello')
    await expect.poll(() => seen.length).toBe(2)
    other.resetAndDestroy()
    const [, hostSide] = seen
    if (!hostSide) throw new Error('nothing arrived')
    hostSide.end()
    await closed(hostSide)
  })

  it('keeps 192 connections and refuses more', async () => {
    let arrived = 0
    await host((socket) => {
      arrived++
      socket.resume()
    })
    let refused = 0
    Array.from({ length: 204 }, () =>
      dial()
        .on('end', () => refused++)
        .resume(),
    )
    await expect.poll(() => refused, { timeout: 10_000 }).toBe(12)
    await expect.poll(() => arrived, { timeout: 10_000 }).toBe(192)
  })

  it('says when its port is taken', async () => {
    const second = new GatewayForwarder({ port, path, clock: systemClock })
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await second.close()
  })
})

describe('a runner', () => {
  it('offers the gateway before a provider that needs it is made, and takes it away at its end', async () => {
    using rig = new RunnerRig()
    await host((socket) => socket.end('gate'), join(rig.path(SANDBOX_PATHS.run), GATEWAY_FILE))
    const gatewayPort = await freePort()
    let heard = ''
    const runner = rig.start({
      gatewayPort,
      providers: {
        demo: {
          needsGateway: true,
          make: async () => {
            heard = await text(dial(gatewayPort))
            return {
              name: 'demo',
              startTurn: () => ({
                async *[Symbol.asyncIterator]() {
                  yield { type: 'message', text: heard }
                  yield { type: 'completed' }
                },
                steer: async () => 'unsupported',
              }),
              close: async () => undefined,
            }
          },
        },
      },
    })
    await rig.settled(rig.say('hello'))
    expect(rig.replies()).toEqual(['gate'])
    await runner.stop()
    const after = dial(gatewayPort)
    await closed(after)
    expect(after.bytesRead).toBe(0)
  })

  it('offers it to the tools of a provider that needs none, as their proxy', async () => {
    using rig = new RunnerRig()
    await host((socket) => socket.end('gate'), join(rig.path(SANDBOX_PATHS.run), GATEWAY_FILE))
    const gatewayPort = await freePort()
    const runner = rig.start({ gatewayPort })
    await rig.settled(rig.say('/demo shell echo "$https_proxy"'))
    expect(rig.replies()).toEqual([`exit 0\nhttp://127.0.0.1:${gatewayPort}\n`])
    expect(await text(dial(gatewayPort))).toBe('gate')
    await runner.stop()
  })

  it('answers without it when its port is taken', async () => {
    using rig = new RunnerRig()
    const runner = rig.start({ gatewayPort: port })
    await rig.settled(rig.say('hello'))
    await rig.seen(() => expect(rig.events).toContain('gateway_not_offered'))
    await runner.stop()
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
