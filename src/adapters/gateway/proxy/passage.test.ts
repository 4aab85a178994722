import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA } from '../../../../test/rig/gateway-world.ts'
import { ToolWorld } from '../../../../test/rig/tool-world.ts'

const PIECE = Buffer.alloc(50_000, 'x')

describe('bytes of what lasts', () => {
  let world: ToolWorld
  let end: () => void
  beforeEach(async () => {
    world = await ToolWorld.make({ countMs: 20 })
    world.site.serve = (_, response) => {
      response.write(PIECE)
      end = () => response.end(PIECE)
    }
  })
  afterEach(() => world[Symbol.asyncDispose]())

  const sum = () => world.gateway.audit.parts.reduce((all, { bytesIn }) => all + bytesIn, 0)

  it.each(['tunnel', 'open'] as const)('are told of while it does, the rest at its end: %s', async (how) => {
    world.policy.allow(ALPHA, world.at, { how, mayBePrivate: true })
    const ca = how === 'open' ? world.ca : world.siteCa
    const socket = await world.client.tls(world.at, { ca })
    const ended = once(socket, 'end')
    socket.resume().write(`GET /long?q HTTP/1.1\r\nHost: ${world.at}\r\nConnection: close\r\n\r\n`)
    await expect.poll(sum).toBeGreaterThanOrEqual(PIECE.length)
    const { parts, entries } = world.gateway.audit
    expect(parts.map(({ isFirst }) => isFirst)).toEqual(parts.map((_, at) => at === 0))
    expect(parts[0]).toMatchObject({ group: ALPHA, method: how === 'open' ? 'GET' : 'CONNECT' })
    expect(entries).toEqual([])
    end()
    await ended
    socket.destroy()
    await expect.poll(() => entries.length).toBe(1)
    const [entry] = entries
    expect(entry?.told?.bytesIn).toBe(sum())
    expect(entry?.bytesIn).toBeGreaterThanOrEqual(2 * PIECE.length)
    const told = parts.length
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(parts).toHaveLength(told)
  })

  it('that ended before the next look are told of at the end alone', async () => {
    await world[Symbol.asyncDispose]()
    world = await ToolWorld.make()
    world.policy.allow(ALPHA, world.at, { mayBePrivate: true })
    expect(await world.client.ask(await world.opened(), world.at)).toMatchObject({ body: 'ok' })
    await expect.poll(() => world.gateway.audit.entries.length).toBe(1)
    expect(world.gateway.audit.entries[0]).not.toHaveProperty('told')
    expect(world.gateway.audit.parts).toEqual([])
  })
})
