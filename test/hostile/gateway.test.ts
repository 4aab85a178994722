import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALPHA, ALPHA_KEY, BETA, GatewayWorld } from '../rig/gateway-world.ts'

let world: GatewayWorld
beforeEach(async () => {
  world = await GatewayWorld.make()
})
afterEach(() => world[Symbol.asyncDispose]())

describe('refused', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/other/v1/models'],
    ['GET', '/anthropic'],
    ['POST', '/anthropic/v1/messages/batches'],
    ['GET', '/anthropic/v1/files'],
    ['DELETE', '/anthropic/v1/messages'],
    ['GET', '/openai/v1/files'],
    ['GET', '/openai/v1/responses/resp_1'],
    ['GET', '/openai/v1/models/..'],
    ['GET', '/openai/v1/organization/admin_api_keys'],
    ['POST', '/anthropic/../openai/v1/responses'],
    ['POST', '/anthropic/v1/x/../messages'],
    ['POST', '/anthropic/v1/./messages'],
    ['POST', '/anthropic//v1/messages'],
    ['POST', '//evil.example/anthropic/v1/messages'],
    ['POST', '/anthropic/v1%2fmessages'],
    ['POST', '/anthropic/%2e%2e/v1/messages'],
    ['POST', '/anthropic\\v1/messages'],
    ['TRACE', '/anthropic/v1/messages'],
    ['OPTIONS', '*'],
    ['POST', `/anthropic/v1/messages?${'x'.repeat(5_000)}`],
  ])('%s %s', async (method, path) => {
    const { status, body } = await world.ask({ method, path })
    expect(status).toBe(403)
    expect(body).toContain('allowed are calls of a model')
    expect(world.reached).toBe(0)
    expect(world.reports).toHaveLength(1)
  })

  it.each([
    [
      'an upgrade',
      'GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      '403',
    ],
    ['what is no HTTP', '\x16\x03\x01 hello\r\n\r\n', '400'],
    [
      'two lengths',
      'POST /anthropic/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}',
      '400',
    ],
    [
      'a length and chunks',
      'POST /anthropic/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
    ],
    [
      'an odd coding',
      'POST /anthropic/v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
      '400',
    ],
    ['a header with a bare line end', 'HEAD /anthropic/ HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n', '400'],
    ['headers without end', `HEAD /anthropic/ HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(40_000)}`, '400'],
  ])('%s', async (_, bytes, status) => {
    expect(await world.raw(bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(world.reached).toBe(0)
    expect(world.reports).toHaveLength(1)
  })

  it.each([
    'CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com\r\n\r\n',
    'POST http://api.anthropic.com:443/anthropic/v1/messages HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n',
  ])('what is for another host, and noted as such: %s', async (bytes) => {
    expect(await world.raw(bytes)).toMatch(/^HTTP\/1.1 403 [\s\S]*request_egress/)
    expect(world.reached).toBe(0)
    expect(world.audit.lines.join()).toContain('api.anthropic.com:443')
    expect(world.audit.lines).toHaveLength(1)
  })

  it('is written to the log some times a minute, not more', async () => {
    for (let n = 0; n < 60; n++) await world.ask({ method: 'GET', path: `/nothing?secret=${n}` })
    expect(world.reports).toHaveLength(20)
    expect(world.reports.at(-1)).toContain('more of this minute are left out')
    expect(world.reports.join()).not.toContain('secret')
  })
})

describe('a body', () => {
  it('of a request that has none by custom is not read as another request', async () => {
    const seen: string[] = []
    world.serve = async (request, response) => {
      seen.push(`${request.method} ${request.url} ${await text(request)}`)
      response.end('ok')
    }
    const hidden = 'POST /v1/messages/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'
    const sent = request({
      ...{ socketPath: world.paths.gateway(ALPHA), path: '/anthropic/v1/models', agent: false },
      headers: { 'transfer-encoding': 'chunked' },
    })
    sent.end(hidden)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    expect(await text(answer)).toBe('ok')
    expect(seen).toEqual([`GET /base/v1/models ${hidden}`])
    expect(world.reached).toBe(1)
  })
})

describe('a flood', () => {
  it('of requests or connections is cut off, costs another group nothing, and ends by itself', async () => {
    const one = 'HEAD /anthropic/ HTTP/1.1\r\nHost: x\r\n\r\n'
    const cut = await world.raw(one.repeat(2_000)).catch((error: Error) => error.message)
    expect(cut.split('HTTP/1.1 200').length).toBeLessThan(402)
    expect((await world.ask({ group: BETA })).status).toBe(200)
    expect(existsSync(world.paths.gateway(ALPHA))).toBe(false)
    await expect.poll(() => existsSync(world.paths.gateway(ALPHA)), { timeout: 10_000 }).toBe(true)
    expect((await world.ask()).status).toBe(200)
    expect(world.reached).toBeLessThan(100)
    expect(world.reports).toHaveLength(20)
  })
})

describe('the key', () => {
  it('that a service sends back is not in the answer, wherever and however it is cut', async () => {
    world.serve = async (request, response) => {
      request.resume()
      response.writeHead(400, { 'x-echo': `key ${ALPHA_KEY}`, 'x-api-key': 'anything', 'x-fine': 'yes' })
      for (const piece of [
        `a ${ALPHA_KEY.slice(0, 5)}`,
        ALPHA_KEY.slice(5, 9),
        `${ALPHA_KEY.slice(9)} b ${ALPHA_KEY}`,
        'sk-re',
      ]) {
        response.write(piece)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      response.end()
    }
    const { headers, body } = await world.ask()
    const mask = '*'.repeat(ALPHA_KEY.length)
    expect(body).toBe(`a ${mask} b ${mask}sk-re`)
    expect(headers).toMatchObject({ 'x-fine': 'yes' })
    expect(JSON.stringify(headers)).not.toContain(ALPHA_KEY)
    expect(headers).not.toHaveProperty('x-api-key')
  })

  it('is in no report, whatever fails', async () => {
    world.serve = (_, response) => response.socket?.destroy()
    await world.ask({ path: '/openai/v1/responses' })
    await world.ask({ path: `/openai/v1/${ALPHA_KEY}` })
    world.serve = (_, response) => response.writeHead(401).end(ALPHA_KEY)
    await world.ask()
    expect(world.reports).toHaveLength(3)
    expect(world.reports.filter((line) => !line.startsWith('refused')).join()).not.toContain('sk-')
  })
})
