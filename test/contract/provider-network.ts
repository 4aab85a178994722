import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { ProviderRig } from '../providers/rig.ts'

/** What a runtime does behind a turn's back it does in its first seconds. */
const WATCH_MS = 4_000

/** A try that nothing answers: an address that is nobody's (RFC 5737), from inside the sandbox. */
const CONTROL = "require('net').connect(443, '203.0.113.1').on('error', (error) => console.log(error.code))"

/**
 * Nothing in a sandbox tries to reach anything but the loopback. A sandbox has no route, and its kernel counts whatever
 * would have needed one: connections, datagrams and, through them, lookups of names.
 */
export function describeNetwork(rig: () => ProviderRig, heard: () => Promise<string>): void {
  it('tries to reach nothing but the gateway', async () => {
    await heard()
    await rig().killSandbox()
    await heard()
    await heard()
    // Nothing is awaited here: it is watched that nothing happens.
    await sleep(WATCH_MS)
    expect(await outside(rig())).toBe(0)
    expect(await rig().inSandbox('node', '-e', CONTROL)).toContain('ENETUNREACH')
    expect(await outside(rig())).toBe(1)
  })
}

/** Packets without a route since the sandbox began, IPv4 and IPv6. */
async function outside(rig: ProviderRig): Promise<number> {
  const text = await rig.inSandbox('sh', '-c', 'cat /proc/net/snmp /proc/net/snmp6')
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Ip: '))
    .map((line) => line.trim().split(/\s+/))
  const v4 = Number(values[names.indexOf('OutNoRoutes')])
  // Absent where the kernel has no IPv6 at all.
  const v6 = Number(/^Ip6OutNoRoutes\s+(\d+)/m.exec(text)?.[1] ?? 0)
  return v4 + v6
}
