import { expect, test } from 'vitest'
import { GARDEN, KITCHEN } from '../../test/rig/host-tables.ts'
import { PolicyWorld } from '../../test/rig/policy-world.ts'
import type { UnixMs } from '../domain/ids.ts'

test('the host of a tool server that was allowed is open to its group, while it has it and nobody denies it', async () => {
  using world = new PolicyWorld()
  const base = { group: GARDEN, approvalId: 1, by: 'x', at: 0 as UnixMs }
  world.toolServers.add({ ...base, name: 'far', server: { url: 'https://mcp.example.com/mcp' } })
  world.toolServers.add({ ...base, name: 'nas', server: { url: 'http://10.0.0.5:8080/' } })
  world.toolServers.add({ ...base, name: 'own', server: { command: 'node', args: [], env: {} } })
  expect(await world.connection('mcp.example.com')).toBe('tunnel')
  expect(await world.connection('mcp.example.com', 80)).toBe('-')
  expect(await world.connection('other.example.com')).toBe('-')
  expect(await world.connection('10.0.0.5', 8080)).toBe('tunnel+private')
  expect(await world.connection('mcp.example.com', 443, KITCHEN)).toBe('-')
  world.deny('mcp.example.com')
  expect(await world.connection('mcp.example.com')).toBe('-')
  world.toolServers.remove(GARDEN, 'nas')
  expect(await world.connection('10.0.0.5', 8080)).toBe('-')
})
