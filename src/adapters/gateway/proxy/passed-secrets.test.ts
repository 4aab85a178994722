import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA } from '../../../../test/rig/gateway-world.ts'
import { HOST, ToolWorld } from '../../../../test/rig/tool-world.ts'

let world: ToolWorld
let at: string
beforeEach(async () => {
  world = await ToolWorld.make()
  at = world.at
  world.policy.allow(ALPHA, at, { mayBePrivate: true })
})
afterEach(() => world[Symbol.asyncDispose]())

describe('a secret', () => {
  const secret = 'real-token-0123456789'
  beforeEach(() => {
    world.gateway.injections.set(ALPHA, at, {
      headers: { authorization: `Bearer ${secret}` },
      secrets: [secret],
    })
  })

  it('is in no answer, however it is sent back', async () => {
    world.site.serve = async (request, response) => {
      response.writeHead(302, {
        location: `https://${at}/?t=${secret}`,
        'x-echo': String(request.headers.authorization),
        'set-cookie': [`a=${secret}`, 'b=c'],
      })
      response.write(`you sent ${secret.slice(0, 7)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
      response.end(`${secret.slice(7)} and ${secret}`)
    }
    const socket = await world.opened()
    const { status, headers, body } = await world.client.ask(socket, at)
    const mask = '*'.repeat(secret.length)
    expect(status).toBe(302)
    expect(body).toBe(`you sent ${mask} and ${mask}`)
    expect(headers).toMatchObject({
      location: `https://${at}/?t=${mask}`,
      'x-echo': `Bearer ${mask}`,
      'set-cookie': [`a=${mask}`, 'b=c'],
    })
    socket.destroy()
  })

  it('could hide in a packed answer, which is not passed back', async () => {
    world.site.serve = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(secret)
    const socket = await world.opened()
    const { status, body } = await world.client.ask(socket, at)
    expect(status).toBe(502)
    expect(body).toContain('packed')
    expect(body).not.toContain(secret)
    socket.destroy()
  })

  it('goes nowhere without TLS', async () => {
    let seen: unknown
    world.gateway.serve = (request, response) => {
      seen = request.headers.authorization
      response.end()
    }
    const plain = `${HOST}:${world.gateway.port}`
    world.policy.allow(ALPHA, plain, { mayBePrivate: true })
    world.gateway.injections.set(ALPHA, plain, { headers: { authorization: secret }, secrets: [secret] })
    expect((await world.client.plain(`http://${plain}/`)).status).toBe(200)
    expect(seen).toBeUndefined()
  })
})
