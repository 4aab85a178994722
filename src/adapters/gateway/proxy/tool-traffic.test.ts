import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA } from '../../../../test/rig/gateway-world.ts'
import { exchangeBytes } from '../../../../test/rig/proxy-client.ts'
import { HOST, ToolWorld } from '../../../../test/rig/tool-world.ts'

let world: ToolWorld
let at: string
beforeEach(async () => {
  world = await ToolWorld.make()
  at = world.at
})
afterEach(() => world[Symbol.asyncDispose]())

describe('a tunnel', () => {
  beforeEach(() => world.policy.allow(ALPHA, at, { how: 'tunnel', mayBePrivate: true }))

  it("is passed on unopened: the client sees the server's own certificate", async () => {
    const socket = await world.client.tls(at, { ca: world.siteCa })
    expect(await world.client.ask(socket, at, { path: '/a?b=c' })).toMatchObject({ status: 200, body: 'ok' })
    expect(world.gateway.audit.entries).toEqual([])
    socket.destroy()
    await expect.poll(() => world.lines).toEqual([`alpha allowed CONNECT ${at} 200`])
    expect(world.gateway.audit.entries[0]).toMatchObject({ path: '', bytesOut: expect.any(Number) })
    expect(world.gateway.audit.entries[0]?.bytesIn).toBeGreaterThan(500)
    expect(world.site.reached).toEqual(['GET /a?b=c'])
  })

  it.each([
    ['another name', 'other.example', 'is for another server (SNI other.example)'],
    ['no name', '', 'names no server (SNI)'],
  ])('whose TLS names %s is refused', async (_, servername, reason) => {
    const { socket } = await world.client.connect(at)
    const opened = connectTls({ socket, ca: world.siteCa, servername, host: HOST })
    await expect(once(opened, 'secureConnect')).rejects.toThrow(/unrecognized name|hang up|disconnected/i)
    await expect
      .poll(() => world.lines.join())
      .toContain(`alpha denied CONNECT ${at} 403 TLS in it ${reason}`)
    expect(world.site.reached).toEqual([])
  })

  it('in which plain HTTP is spoken is read and judged like any other', async () => {
    world.policy.refuse(ALPHA, at, /secret/, 'not this path')
    const { socket } = await world.client.connect(at)
    const refused = await world.client.ask(socket, at, { path: '/secret' })
    expect(refused).toMatchObject({ status: 403, body: expect.stringContaining('not this path') })
    expect(world.lines).toEqual([`alpha denied GET ${at}/secret 403 not this path`])
  })

  it('in which something else is spoken is closed', async () => {
    const { socket } = await world.client.connect(at)
    expect(await exchangeBytes(socket, 'SSH-2.0-OpenSSH_9.2\r\n\r\n')).toContain('400')
    await expect.poll(() => world.lines.join()).toContain('this is not HTTP that can be read')
  })

  it('in which nothing is said is closed', async () => {
    const { socket } = await world.client.connect(at)
    socket.resume()
    await once(socket, 'end')
    expect(world.lines.join()).toContain('nothing was sent through the connection in time')
  })

  it('to a server that is not there is said at once', async () => {
    world.policy.allow(ALPHA, `${HOST}:1`, { how: 'tunnel', mayBePrivate: true })
    const { status, text: answer } = await world.client.connect(`${HOST}:1`)
    expect(status).toBe(502)
    expect(answer).toContain('no connection to the server (ECONNREFUSED)')
    expect(world.lines).toEqual([
      `alpha failed CONNECT ${HOST}:1 502 no connection to the server (ECONNREFUSED)`,
    ])
  })
})

describe('an opened connection', () => {
  beforeEach(() => world.policy.allow(ALPHA, at, { mayBePrivate: true }))

  it('carries many requests, each judged, with the secret in place of what the client sent', async () => {
    world.gateway.injections.set(ALPHA, at, {
      headers: { authorization: 'Bearer real-token-1' },
      query: { key: 'q&1' },
      secrets: ['real-token-1', 'q&1'],
    })
    const seen: unknown[] = []
    world.site.serve = async (request, response) => {
      seen.push([request.method, request.url, request.headers, await text(request)])
      response.end('ok')
    }
    const socket = await world.opened()
    const headers = {
      authorization: 'Bearer placeholder',
      'proxy-authorization': 'Basic x',
      'x-forwarded-for': '1.2.3.4',
      'accept-encoding': 'gzip',
      'x-own': 'kept',
    }
    await world.client.ask(socket, at, { path: '/a?key=own&b=%20', headers })
    await world.client.ask(socket, at, { path: '/b', method: 'POST', body: 'hello', headers })
    expect(seen).toMatchObject([
      ['GET', '/a?b=%20&key=q%261', { authorization: 'Bearer real-token-1', host: at, 'x-own': 'kept' }, ''],
      ['POST', '/b?key=q%261', { 'accept-encoding': 'identity' }, 'hello'],
    ])
    for (const name of ['proxy-authorization', 'x-forwarded-for'])
      expect(JSON.stringify(seen)).not.toContain(name)
    expect(world.lines).toEqual([`alpha allowed GET ${at}/a 200`, `alpha allowed POST ${at}/b 200`])
    expect(world.policy.asked).toEqual([`alpha ${at}`, `alpha GET ${at}/a`, `alpha POST ${at}/b`])
    socket.destroy()
  })
})
