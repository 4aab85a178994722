import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { providerContract } from '../contract/provider.ts'
import { whyNoEngine } from '../docker/test-image.ts'
import type { ProviderRig } from './rig.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)
providerContract('demo', { model: false, more: describeWayOut })

/** An address of this machine that is no loopback: what the gateway reaches, and a sandbox cannot. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

function describeWayOut(rig: () => ProviderRig): void {
  it('reaches a host once the owner allowed it, and not before', async () => {
    const address = ownAddress()
    if (address === undefined) {
      console.log('demo: this machine has no address but loopback, so there is nothing to allow')
      return expect(address).toBeUndefined()
    }
    const server = createServer((_, response) => response.end('you got out')).listen(0, address)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const curl = `/demo shell curl -sS -m 20 http://${address}:${port}/`
    try {
      await rig().ask(curl, 'call the tool request_egress')
      const ask = { host: address, port, reason: 'to see it work' }
      await rig().ask(`/demo tool request_egress ${JSON.stringify(ask)}`, 'inside your own network')
      const card = (await rig().person.agentLines()).findLast((line) =>
        line.includes('inside your own network'),
      )
      await rig().ask(/\/approve [a-z0-9-]+ once/.exec(card ?? '')?.[0] ?? 'no code', 'it was allowed by')
      await rig().ask(curl, 'you got out')
    } finally {
      server.close()
    }
  })
}
