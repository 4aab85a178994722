import { once } from 'node:events'
import { lstatSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA, ALPHA_KEY, BETA, BETA_KEY, GatewayWorld } from '../../../test/rig/gateway-world.ts'

let world: GatewayWorld
beforeEach(async () => {
  world = await GatewayWorld.make()
})
afterEach(() => world[Symbol.asyncDispose]())

/** What the service gets with the next request. */
function seenUpstream(): Promise<{
  url: string | undefined
  headers: IncomingMessage['headers']
  body: string
}> {
  return new Promise((resolve) => {
    world.serve = async (request, response) => {
      const body = await text(request)
      response.end('{}')
      resolve({ url: request.url, headers: request.headers, body })
    }
  })
}

describe('a request of a sandbox', () => {
  it('reaches the service below its base URL, with the real key in place of what the client sent', async () => {
    const seen = seenUpstream()
    const headers = {
      'x-api-key': 'placeholder',
      authorization: 'Bearer placeholder',
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      'proxy-authorization': 'Basic x',
      connection: 'x-hop',
      'x-hop': 'gone',
      'anthropic-version': '2023-06-01',
    }
    await world.ask({ path: '/anthropic/v1/messages?beta=true', headers, body: '{"model":"m"}' })
    const { url, headers: got, body } = await seen
    expect(url).toBe('/base/v1/messages?beta=true')
    expect(body).toBe('{"model":"m"}')
    await expect.poll(() => world.answers).toEqual([`${ALPHA} anthropic: 200`])
    expect(got).toMatchObject({
      'x-api-key': ALPHA_KEY,
      'anthropic-version': '2023-06-01',
      host: `127.0.0.1:${world.port}`,
    })
    for (const name of ['authorization', 'cookie', 'x-forwarded-for', 'proxy-authorization', 'x-hop'])
      expect(got).not.toHaveProperty(name)
  })

  it('carries the key of the group whose socket it came through, whatever it says', async () => {
    const seen = seenUpstream()
    await world.ask({
      path: '/openai/v1/responses',
      group: BETA,
      headers: { host: 'alpha', 'x-group': 'alpha' },
    })
    expect((await seen).headers.authorization).toBe(`Bearer ${BETA_KEY}`)
  })

  it('goes without a key where there is none, and a 401 is reported', async () => {
    world.keys = {}
    world.serve = (request, response) => {
      response.statusCode = request.headers['x-api-key'] === undefined ? 401 : 200
      response.end('{"error":"who are you"}')
    }
    expect(await world.ask({ headers: { 'x-api-key': 'placeholder' } })).toMatchObject({
      status: 401,
      body: '{"error":"who are you"}',
    })
    expect(world.reports).toEqual(['failed alpha anthropic: status 401, there is no key'])
  })

  it('streams: each piece arrives before the next is made, and rate limits keep their headers', async () => {
    let next: (() => void) | undefined
    world.serve = async (_, response) => {
      response.writeHead(429, {
        'content-type': 'text/event-stream',
        'retry-after': '7',
        'set-cookie': 'a=b',
      })
      for (const piece of ['one', 'two']) {
        response.write(piece)
        await new Promise<void>((resolve) => {
          next = resolve
        })
      }
      response.end()
    }
    const answer = await world.answer()
    expect(answer.statusCode).toBe(429)
    expect(answer.headers).toMatchObject({ 'retry-after': '7', 'content-type': 'text/event-stream' })
    expect(answer.headers).not.toHaveProperty('set-cookie')
    for (const piece of ['one', 'two']) {
      expect(String((await once(answer, 'data'))[0])).toBe(piece)
      next?.()
    }
    await once(answer, 'end')
  })

  it('is held back when the service does not read', async () => {
    world.serve = (request) => request.pause()
    const sent = world.send({ body: Buffer.alloc(40 << 20) })
    await once(sent, 'socket')
    await expect.poll(() => sent.socket?.bytesWritten ?? 0).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sent.socket?.writableLength).toBeGreaterThan(20 << 20)
    sent.on('error', () => undefined).destroy()
  })

  it('ends at the service when the client leaves', async () => {
    const ended = new Promise((resolve) => {
      world.serve = (request, response) => {
        request.resume()
        response.writeHead(200).write('first')
        response.on('close', resolve)
      }
    })
    const sent = world.send()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.on('error', () => undefined)
    sent.destroy()
    await ended
    expect(world.reports).toEqual([])
  })

  it('is cut when the service breaks off, and says so in the log', async () => {
    world.serve = (_, response) => {
      response.writeHead(200).write('first')
      setTimeout(() => response.socket?.destroy(), 20)
    }
    const answer = await world.answer()
    await expect(text(answer)).rejects.toThrow('aborted')
    await expect.poll(() => world.reports).toEqual(['failed alpha anthropic: the answer was cut: ECONNRESET'])
  })

  it('gets a plain error without addresses when the service is away', async () => {
    const port = world.port
    await world.stopService()
    const { status, body } = await world.ask()
    expect(status).toBe(502)
    expect(JSON.parse(body)).toEqual({
      type: 'error',
      error: { type: 'creel_gateway', message: 'Creel gateway: the model service could not be reached' },
    })
    expect(body).not.toContain(String(port))
    expect(world.reports).toEqual(['failed alpha anthropic: ECONNREFUSED'])
  })

  it('larger than 64 MB is refused', async () => {
    world.serve = (request) => request.resume()
    const headers = { 'transfer-encoding': 'chunked' }
    const sent = world.send({ headers, body: Buffer.alloc((64 << 20) + 1) }).on('error', () => undefined)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(413)
    answer.resume()
  })

  it('is told of a service that switches protocols unasked', async () => {
    world.serve = ({ socket }) =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    expect(await world.ask()).toMatchObject({ status: 502, body: expect.stringContaining('did not answer') })
    expect(world.reports).toEqual(['failed alpha anthropic: no answer'])
  })

  it('on the 129th connection is told that there is no room, and let in when another has ended', async () => {
    const open = Array.from({ length: 128 }, () => connect({ path: world.paths.gateway(ALPHA) }))
    await Promise.all(open.map((socket) => once(socket, 'connect')))
    await expect.poll(async () => (await world.ask()).body).toContain('more than 128 connections at once')
    expect((await world.ask({ group: BETA })).status).toBe(200)
    expect(world.reports[0]).toContain('refused alpha')
    for (const socket of open) socket.destroy()
    await expect.poll(async () => (await world.ask()).status).toBe(200)
  })

  it('is the 33rd under way: refused, and let in when another has ended', async () => {
    const waiting: ServerResponse[] = []
    world.serve = (_, response) => waiting.push(response)
    const all = Array.from({ length: 32 }, () => once(world.send(), 'response'))
    await expect.poll(() => waiting.length).toBe(32)
    expect(await world.ask()).toMatchObject({ status: 429, headers: { 'retry-after': '1' } })
    world.serve = (_, response) => response.end('ok')
    expect((await world.ask({ group: BETA })).status).toBe(200)
    for (const response of waiting) response.end()
    for (const [answer] of (await Promise.all(all)) as [IncomingMessage][]) await buffer(answer)
    await expect.poll(async () => (await world.ask()).status).toBe(200)
  })
})

describe('a login in place of a key', () => {
  it('goes to Anthropic as a bearer token, marked as such beside what the client asks for', async () => {
    world.logins[ALPHA] = { kind: 'login', key: 'sk-ant-oat-1', account: null }
    const seen = seenUpstream()
    await world.ask({ headers: { 'x-api-key': 'placeholder', 'anthropic-beta': 'a-1, b-2' } })
    const { headers } = await seen
    expect(headers).toMatchObject({
      authorization: 'Bearer sk-ant-oat-1',
      'anthropic-beta': 'a-1,b-2,oauth-2025-04-20',
    })
    expect(headers).not.toHaveProperty('x-api-key')
  })

  it('goes to ChatGPT with its account, and below its own address', async () => {
    world.logins[ALPHA] = { kind: 'login', key: 'at-1', account: 'acc-1' }
    const seen = seenUpstream()
    await world.ask({ path: '/openai/v1/responses', headers: { 'chatgpt-account-id': 'another' } })
    const { url, headers } = await seen
    expect(url).toBe('/base/chatgpt/responses')
    expect(headers).toMatchObject({ authorization: 'Bearer at-1', 'chatgpt-account-id': 'acc-1' })
    expect(await world.ask({ path: '/openai/v1/embeddings' })).toMatchObject({ status: 403 })
    expect(world.reports.at(-1)).toContain('with a ChatGPT login only')
  })

  it('is masked in answers, and told of when the service does not know it', async () => {
    world.logins[ALPHA] = { kind: 'login', key: 'sk-ant-oat-1', account: null }
    world.serve = (request, response) => {
      response.writeHead(401, { 'x-echo': String(request.headers.authorization) })
      response.end(`you said ${request.headers.authorization}`)
    }
    const { body, headers } = await world.ask()
    expect(body).toBe('you said Bearer ************')
    expect(JSON.stringify(headers)).not.toContain('sk-ant-oat-1')
    expect(world.keysRefused).toEqual(['alpha anthropic'])
  })

  it('that cannot be used now is said without why, and the request goes nowhere', async () => {
    world.fault = new Error('the master key /home/me/.config/creel/x.key is missing')
    const { status, body } = await world.ask({ body: 'x'.repeat(100_000) })
    expect(status).toBe(503)
    expect(body).toContain('cannot be used now')
    expect(body).not.toContain('/home')
    expect(world.reached).toBe(0)
    expect(world.reports[0]).toContain('master key')
    world.fault = null
    expect((await world.ask()).status).toBe(200)
  })
})

describe('the socket', () => {
  it('can be used by any uid, whatever the umask, and is one for each group', async () => {
    const before = process.umask(0o077)
    rmSync(world.paths.gateway(ALPHA))
    await world.gateway.open(ALPHA).finally(() => process.umask(before))
    expect(lstatSync(world.paths.gateway(ALPHA)).mode & 0o777).toBe(0o666)
    expect(lstatSync(world.paths.runDir(ALPHA)).mode & 0o777).toBe(0o755)
    expect(world.paths.gateway(ALPHA)).not.toBe(world.paths.gateway(BETA))
    expect((await world.ask()).status).toBe(200)
  })

  it('opened again leaves what is under way alone; closed, it ends it', async () => {
    world.serve = (_, response) => response.writeHead(200).write('first')
    const answer = await world.answer()
    const cut = expect(text(answer)).rejects.toThrow('aborted')
    await Promise.all([world.gateway.open(ALPHA), world.gateway.open(ALPHA)])
    expect(answer.destroyed).toBe(false)
    await world.gateway.close()
    await cut
    await expect(world.gateway.open(ALPHA)).rejects.toThrow('the gateway is closed')
    expect(lstatSync(world.paths.gateway(ALPHA), { throwIfNoEntry: false })).toBeUndefined()
  })
})
