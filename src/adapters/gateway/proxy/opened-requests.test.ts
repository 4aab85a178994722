import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA } from '../../../../test/rig/gateway-world.ts'
import { exchangeBytes } from '../../../../test/rig/proxy-client.ts'
import { HOST, OTHER, ToolWorld } from '../../../../test/rig/tool-world.ts'

let world: ToolWorld
let at: string
beforeEach(async () => {
  world = await ToolWorld.make()
  at = world.at
  world.policy.allow(ALPHA, at, { mayBePrivate: true })
})
afterEach(() => world[Symbol.asyncDispose]())

describe('a request that is not passed on', () => {
  it.each([
    [
      'for another host',
      'GET / HTTP/1.1\r\nHost: HERE.evil.example\r\n\r\n',
      'Host header is of another host',
    ],
    ['for another port', `GET / HTTP/1.1\r\nHost: ${HOST}:1\r\n\r\n`, 'Host header is of another host'],
    ['for two hosts', `GET / HTTP/1.1\r\nHost: HERE\r\nHost: HERE\r\n\r\n`, 'one Host header'],
    ['for no host', 'GET / HTTP/1.0\r\n\r\n', 'one Host header'],
    ['with a whole address', 'GET https://HERE/ HTTP/1.1\r\nHost: HERE\r\n\r\n', 'path has odd characters'],
    ['with an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: HERE\r\n\r\n', 'path has odd characters'],
    ['with a backslash', 'GET /a\\..\\b HTTP/1.1\r\nHost: HERE\r\n\r\n', 'path has odd characters'],
    ['that would send back the secret', 'TRACE / HTTP/1.1\r\nHost: HERE\r\n\r\n', 'TRACE'],
    [
      'with two codings',
      'POST / HTTP/1.1\r\nHost: HERE\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'odd transfer encoding',
    ],
    [
      'that came from here',
      'GET / HTTP/1.1\r\nHost: HERE\r\nVia: 1.1 this-gateway\r\n\r\n',
      'came from this gateway',
    ],
    [
      'to upgrade to something else',
      'GET / HTTP/1.1\r\nHost: HERE\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      'WebSocket',
    ],
    [
      'to upgrade with a body',
      'POST / HTTP/1.1\r\nHost: HERE\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n{}',
      'GET without a body',
    ],
    [
      'with a length and chunks',
      'POST / HTTP/1.1\r\nHost: HERE\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'not HTTP that can be read',
    ],
    [
      'with two lengths',
      'POST / HTTP/1.1\r\nHost: HERE\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}',
      'not HTTP that can be read',
    ],
    [
      'with a folded header',
      'GET / HTTP/1.1\r\nHost: HERE\r\nA: b\r\n c\r\n\r\n',
      'not HTTP that can be read',
    ],
    ['with a space behind a name', 'GET / HTTP/1.1\r\nHost : HERE\r\n\r\n', 'not HTTP that can be read'],
    [
      'with a bare line end',
      'GET / HTTP/1.1\r\nHost: HERE\r\nA: b\nC: d\r\n\r\n',
      'not HTTP that can be read',
    ],
    [
      'that is very long',
      `GET / HTTP/1.1\r\nHost: HERE\r\nA: ${'x'.repeat(40_000)}\r\n\r\n`,
      'not HTTP that can be read',
    ],
    [
      'to connect further',
      'CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n',
      'no proxy within',
    ],
  ])('%s', async (_, bytes, reason) => {
    const socket = await world.opened()
    const answer = await exchangeBytes(
      socket,
      bytes.replaceAll('HERE', at).replace('\r\nHost', '\r\nConnection: close\r\nHost'),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answer).toContain(reason)
    expect(world.lines).toHaveLength(1)
    expect(world.lines[0]).toContain(reason)
    expect(world.site.reached).toEqual([])
  })

  it('and a second one behind it is not read', async () => {
    const socket = await world.opened()
    const first = `POST /a HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
    await exchangeBytes(socket, `${first}GET /smuggled HTTP/1.1\r\nHost: ${at}\r\n\r\n`)
    expect(world.site.reached).toEqual([])
    expect(world.lines).toHaveLength(1)
  })

  it('by a rule says who decides, and the connection goes on', async () => {
    world.policy.refuse(ALPHA, at, /^POST/, 'only GET is allowed')
    const socket = await world.opened()
    const refused = await world.client.ask(socket, at, { method: 'POST' })
    expect(refused.status).toBe(403)
    expect(refused.body).toMatch(/only GET is allowed.*request_egress.*api\.example/)
    expect(await world.client.ask(socket, at)).toMatchObject({ status: 200 })
    expect(world.site.reached).toEqual(['GET /'])
    world.policy.forbid(ALPHA, at)
    expect(await world.client.ask(socket, at)).toMatchObject({ status: 403 })
    socket.destroy()
  })

  it('when rules or secrets cannot be read says no more than that', async () => {
    const socket = await world.opened()
    world.policy.failing = new Error('/home/me/groups/alpha/container.json is no JSON')
    const first = await world.client.ask(socket, at)
    world.policy.failing = null
    world.gateway.injections.failing = new Error('the master key /home/me/x.key is missing')
    const second = await world.client.ask(socket, at)
    for (const { status, body } of [first, second]) {
      expect(status).toBe(503)
      expect(body).not.toContain('/home')
    }
    expect(world.lines[0]).toContain('container.json')
    expect(world.site.reached).toEqual([])
    socket.destroy()
  })
})

describe('TLS that is opened', () => {
  it.each([
    ['another name', OTHER],
    ['no name', ''],
  ])('for %s is refused before a certificate is made', async (_, servername) => {
    const { socket } = await world.client.connect(at)
    const tls = connectTls({ socket, ca: world.ca, servername, host: HOST })
    await expect(once(tls, 'secureConnect')).rejects.toThrow()
    expect(world.lines.join()).toContain(`alpha denied CONNECT ${at} 403 TLS in it`)
  })

  it('by a client that speaks another protocol in it is noted as failed', async () => {
    const { socket } = await world.client.connect(at)
    const tls = connectTls({ socket, ca: world.ca, servername: HOST, ALPNProtocols: ['h2'] })
    await expect(once(tls, 'secureConnect')).rejects.toThrow(/protocol/)
    await expect
      .poll(() => world.lines.join())
      .toContain(`alpha failed CONNECT ${at} 502 no TLS with the client`)
  })

  it('speaks HTTP/1.1 only', async () => {
    const { socket } = await world.client.connect(at)
    const tls = connectTls({ socket, ca: world.ca, servername: HOST, ALPNProtocols: ['h2', 'http/1.1'] })
    await once(tls, 'secureConnect')
    expect(tls.alpnProtocol).toBe('http/1.1')
    tls.destroy()
  })

  it('ends where the server has a certificate of nobody that is trusted', async () => {
    const stranger = await ToolWorld.make()
    const there = `${HOST}:${stranger.site.port}`
    world.policy.allow(ALPHA, there, { mayBePrivate: true })
    const socket = await world.client.tls(there, { ca: world.ca })
    const { status, body } = await world.client.ask(socket, there)
    expect(status).toBe(502)
    expect(body).toMatch(/SIGNATURE|ISSUER|CERT/)
    expect(stranger.site.reached).toEqual([])
    socket.destroy()
    await stranger[Symbol.asyncDispose]()
  })

  it('ends where the certificate is of another host', async () => {
    const there = `${OTHER}:${world.site.port}`
    world.policy.allow(ALPHA, there, { mayBePrivate: true })
    const socket = await world.client.tls(there, { ca: world.ca })
    const { status, body } = await world.client.ask(socket, there)
    expect(status).toBe(502)
    expect(body).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(world.site.reached).toEqual([])
    socket.destroy()
  })
})

describe('a body', () => {
  it('of a GET, and one in chunks, is framed as it was', async () => {
    const seen: string[] = []
    world.site.serve = async (request, response) => {
      const { 'content-length': length, 'transfer-encoding': coding } = request.headers
      seen.push(`${request.method} ${length} ${coding} ${await text(request)}`)
      response.end()
    }
    const socket = await world.opened()
    const bytes = `GET /a HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`
    const more = `DELETE /b HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`
    await exchangeBytes(socket, bytes + more)
    expect(seen).toEqual(['GET undefined chunked hello', 'DELETE 2 undefined hi'])
  })

  it('is asked for with 100-continue and passed on', async () => {
    world.site.serve = async (request, response) => response.end(await text(request))
    const socket = await world.opened()
    socket.write(
      `PUT /a HTTP/1.1\r\nHost: ${at}\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`,
    )
    const [go] = (await once(socket, 'data')) as [Buffer]
    expect(go.toString()).toContain('100 Continue')
    expect(await exchangeBytes(socket, 'hello')).toContain('hello')
  })

  it.each(['up', 'down'])('over the bound is cut on its way %s', async (way) => {
    world.gateway.limits = { connections: 8, bytesPerRequest: 1 << 20 }
    world.site.serve = (request, response) => {
      if (way === 'up') request.resume().on('end', () => response.end('ok'))
      else response.end(Buffer.alloc(3 << 20))
    }
    const socket = await world.opened()
    socket.on('error', () => socket.destroy())
    const sent = world.client.ask(
      socket,
      at,
      way === 'up'
        ? { method: 'POST', body: Buffer.alloc(3 << 20), headers: { 'transfer-encoding': 'chunked' } }
        : {},
    )
    await sent
      .then(({ status }) => expect(status).toBe(413))
      .catch((error: unknown) => expect(String(error)).toMatch(/aborted|ECONNRESET|EPIPE|hang up/))
    await expect.poll(() => world.lines.join()).toContain('more than 1 MB (limits.egress.request_mb)')
  })

  it('that is announced as over the bound is not sent on', async () => {
    const socket = await world.opened()
    socket.write(`PUT /a HTTP/1.1\r\nHost: ${at}\r\nContent-Length: 99999999999\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
    expect(world.site.reached).toEqual([])
    expect(world.lines.join()).toContain(`alpha denied PUT ${at}/a 413 more than 67 MB`)
    socket.destroy()
  })

  it('is held back when the client does not read', async () => {
    let written = 0
    world.site.serve = (_, response) => {
      const send = () => {
        let isTaken = true
        while (isTaken && written < 64 << 20) {
          isTaken = response.write(Buffer.alloc(1 << 20))
          written += 1 << 20
        }
        if (!isTaken) response.once('drain', send)
      }
      send()
    }
    const socket = await world.opened()
    socket.write(`GET /big HTTP/1.1\r\nHost: ${at}\r\n\r\n`)
    await expect.poll(() => written).toBeGreaterThan(0)
    socket.pause()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(written).toBeLessThan(32 << 20)
    socket.destroy()
  })
})
