import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DirectRelay } from './direct-relay.ts'

/** More than every buffer on the way holds. */
const BYTES = 24 << 20

describe('a direct relay', () => {
  const content = randomBytes(BYTES)
  let server: Server
  let serve: (socket: Socket) => void
  const sockets: Socket[] = []

  beforeEach(async () => {
    serve = (socket) => socket.end(content)
    server = createServer((socket) => {
      sockets.push(socket.on('error', () => socket.destroy()))
      serve(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
    server.close()
  })

  /** A pair of sockets: what is written to the first is read from the second. */
  async function pair(): Promise<[Socket, Socket]> {
    const between = createServer().listen(0, '127.0.0.1')
    await once(between, 'listening')
    const arrived = once(between, 'connection')
    const near = connect((between.address() as AddressInfo).port, '127.0.0.1')
    const [far] = (await arrived) as [Socket]
    between.close()
    sockets.push(near, far)
    return [near, far]
  }

  function dial(relay: DirectRelay): Socket {
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', onread: relay.onread }).pause()
    sockets.push(socket)
    return socket
  }

  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

  it.each([
    ['a reader that is quick', 0, 0],
    ['a reader that is slow', 1, 0],
    ['a rate that holds it back', 0, 2],
  ])('passes everything on, in order and to its end, with %s', async (_, readMs, waitMs) => {
    const [near, far] = await pair()
    const relay = new DirectRelay(near)
    let counted = 0
    relay.start(
      dial(relay),
      (bytes) => {
        counted += bytes
        return waitMs
      },
      () => undefined,
    )
    const pieces: Buffer[] = []
    for await (const piece of far as AsyncIterable<Buffer>) {
      pieces.push(Buffer.from(piece))
      if (readMs > 0 && pieces.length % 16 === 0) await new Promise((resolve) => setTimeout(resolve, readMs))
    }
    expect(hash(Buffer.concat(pieces))).toBe(hash(content))
    expect(counted).toBe(BYTES)
  })

  it('reads nothing before it begins, and nothing for a target that takes nothing', async () => {
    const target = new PassThrough({ highWaterMark: 1 })
    const relay = new DirectRelay(target)
    const source = dial(relay)
    await once(source, 'connect')
    expect(source.bytesRead).toBe(0)
    relay.start(
      source,
      () => 0,
      () => undefined,
    )
    await expect.poll(() => target.readableLength).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(source.bytesRead).toBeLessThan(BYTES / 8)
  })

  it('tells of the byte that is one too many, and passes it on no more', async () => {
    const [near, far] = await pair()
    const relay = new DirectRelay(near)
    const over = new Promise((resolve) => {
      relay.start(
        dial(relay),
        () => {
          throw new Error('enough')
        },
        resolve,
      )
    })
    expect(await over).toMatchObject({ message: 'enough' })
    near.end()
    expect(await far.toArray()).toEqual([])
  })
})
