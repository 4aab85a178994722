// T6: the network as an agent finds it: none. The gateway's socket, its only door, has its own tests.
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import { whyNoEngine } from '../docker/test-image.ts'
import { TestInstall } from '../docker/test-sandbox.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

/** Tries every target and prints one JSON line each: what happened, after how long. */
const PROBE = `
import { lookup, Resolver } from 'node:dns/promises'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
const tcp = (host, port) => new Promise((resolve) => {
  const socket = connect({ host, port, timeout: 5000 })
  socket.once('connect', () => resolve('OPEN'))
  socket.once('timeout', () => resolve('TIMEOUT'))
  socket.once('error', (error) => resolve(error.code))
})
const udp = (host, port) => new Promise((resolve) => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.once('error', (error) => resolve(error.code))
  socket.send('x', port, host, (error) => resolve(error ? error.code : 'SENT'))
})
const failure = (promise) => promise.then(() => 'OPEN', (error) => error.code)
const ask = async (server) => {
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([server])
  return failure(resolver.resolve4('example.com'))
}
for (const [kind, ...target] of JSON.parse(process.argv[2])) {
  const from = performance.now()
  const result = await { tcp, udp, ask, lookup: (name) => failure(lookup(name)) }[kind](...target)
  console.log(JSON.stringify({ what: [kind, ...target].join(' '), result, ms: Math.round(performance.now() - from) }))
}
process.exit()
`

describe.skipIf(missing)('a hostile agent that looks for a network', () => {
  let install: TestInstall
  const servers: Server[] = []
  let connections = 0

  async function listen(host: string): Promise<number> {
    const server = createServer((socket) => {
      connections++
      socket.destroy()
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, host, resolve))
    return (server.address() as AddressInfo).port
  }

  beforeAll(async () => {
    install = await TestInstall.make()
  })
  afterAll(async () => {
    for (const server of servers) server.close()
    await install[Symbol.asyncDispose]()
  })

  test('reaches nothing, and learns so at once', async () => {
    const open = await listen('0.0.0.0')
    const loopback = await listen('127.0.0.1')
    const hosts = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    const targets = [
      ...hosts.filter((own) => !own.internal).map((own) => ['tcp', own.address, open]),
      ['tcp', '127.0.0.1', loopback],
      ['tcp', '127.0.0.1', open],
      ['tcp', '::1', open],
      ['tcp', '172.17.0.1', open],
      ['tcp', '172.17.0.2', 80],
      ['tcp', '169.254.169.254', 80],
      ['tcp', 'fd00:ec2::254', 80],
      ['tcp', '1.1.1.1', 443],
      ['tcp', '2606:4700:4700::1111', 443],
      ['tcp', '192.168.0.1', 80],
      ['tcp', '10.0.0.1', 22],
      ['udp', '1.1.1.1', 53],
      ['udp', '224.0.0.251', 5353],
      ['udp', '255.255.255.255', 67],
      ['udp', 'ff02::1', 5353],
      ['lookup', 'example.com'],
      ['lookup', 'secret.data.attacker.example'],
      ['lookup', 'host.docker.internal'],
      ['ask', '1.1.1.1'],
      ['ask', '127.0.0.11'],
      ['tcp', 'example.com', 443],
    ]
    await install.spec('garden', '')
    await writeFile(join(install.paths.workspace('garden' as GroupName), 'probe.mjs'), PROBE)
    const output = await install.run('garden', `node /workspace/probe.mjs '${JSON.stringify(targets)}'`)
    const results = output
      .trim()
      .split('\n')
      .map((line): { what: string; result: string; ms: number } => JSON.parse(line))
    expect(results).toHaveLength(targets.length)
    const failures =
      /^(ENETUNREACH|ECONNREFUSED|EADDRNOTAVAIL|EHOSTUNREACH|EACCES|EAI_AGAIN|ENOTFOUND|EINVAL)$/
    expect(results.filter(({ result }) => !failures.test(result))).toEqual([])
    expect(results.filter(({ ms }) => ms > 1_500)).toEqual([])
    expect(connections).toBe(0)
  })

  test('has a loopback and no route, and cannot make one', async () => {
    const output = await install.run(
      'garden',
      `cat /proc/net/dev | tail -n +3 | cut -d: -f1; echo --; tail -n +2 /proc/net/route
       (echo nameserver 1.1.1.1 >/etc/resolv.conf) 2>/dev/null && echo changed`,
    )
    expect(output).toMatch(/^\s*lo\n--\n/)
    expect(output).not.toContain('changed')
  })
})
