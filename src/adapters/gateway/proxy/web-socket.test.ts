import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA } from '../../../../test/rig/gateway-world.ts'
import { exchangeBytes } from '../../../../test/rig/proxy-client.ts'
import { ToolWorld } from '../../../../test/rig/tool-world.ts'

let world: ToolWorld
let at: string
beforeEach(async () => {
  world = await ToolWorld.make()
  at = world.at
  world.policy.allow(ALPHA, at, { mayBePrivate: true })
})
afterEach(() => world[Symbol.asyncDispose]())

describe('a WebSocket', () => {
  const ask = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: ${at}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n`

  it('is judged as a request and passed both ways, with the secret', async () => {
    world.gateway.injections.set(ALPHA, at, {
      headers: { authorization: 'Bearer abcdef' },
      secrets: ['abcdef'],
    })
    world.site.server.on('upgrade', (request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\nhello ',
      )
      socket.write(`${request.headers.authorization} `)
      socket.pipe(socket)
    })
    const socket = await world.opened()
    socket.write(ask('/ws'))
    let got = ''
    socket.on('data', (bytes: Buffer) => {
      got += bytes
    })
    await expect.poll(() => got).toContain('hello Bearer ****** ')
    expect(got).toMatch(/^HTTP\/1\.1 101 [\s\S]*sec-websocket-accept: y/)
    socket.end('and back')
    await once(socket, 'close')
    expect(got).toContain('and back')
    await expect.poll(() => world.lines).toEqual([`alpha allowed GET ${at}/ws 101`])
  })

  it('that no rule allows is refused', async () => {
    world.policy.refuse(ALPHA, at, /ws/, 'not this path')
    const answer = await exchangeBytes(await world.opened(), ask('/ws'))
    expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*not this path/)
    expect(world.lines).toEqual([`alpha denied GET ${at}/ws 403 not this path`])
  })

  it('that the server does not want gets its answer', async () => {
    world.site.server.on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 3\r\n\r\nno!'),
    )
    const answer = await exchangeBytes(await world.opened(), ask('/ws'))
    expect(answer).toMatch(/^HTTP\/1\.1 426 [\s\S]*no!$/)
    await expect.poll(() => world.lines).toEqual([`alpha allowed GET ${at}/ws 426`])
  })

  it('that the client did not ask for is no answer', async () => {
    world.site.serve = (_, response) => {
      response.socket?.end(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello',
      )
    }
    const socket = await world.opened()
    expect(await world.client.ask(socket, at)).toMatchObject({ status: 502 })
    expect(world.lines.join()).toContain(`alpha failed GET ${at}/ null no answer from the server`)
    socket.destroy()
  })
})
