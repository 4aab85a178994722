import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebChannel } from '../../src/adapters/channels/web/channel.ts'
import { ForkedMemoryReader } from '../../src/adapters/memory-reader/forked-memory-reader.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { WebWorld } from './web-world.ts'

const ID = 'a1b2c3d4-0001'

describe('web doors', () => {
  let world: WebWorld
  let cookie: string
  beforeEach(async () => {
    world = await new WebWorld().start()
    cookie = await world.logIn()
  })
  afterEach(() => world[Symbol.asyncDispose]())

  it('takes a message of the page, once', async () => {
    const first = await world.post(cookie, 'hello', ID)
    expect(first.status).toBe(202)
    world.accept = () => 'duplicate'
    expect((await world.post(cookie, 'hello', ID)).body).toBe(first.body)
    expect(world.taken.map((message) => message.platformMessageId)).toEqual([ID, ID])
    expect(world.chats.lines('main', 0, 10)).toHaveLength(1)
    expect(world.taken[0]).toMatchObject({
      address: { channel: 'web', account: 'main', chat: 'main' },
      chatKind: 'private',
      mentionsUs: true,
      sender: { id: 'web:owner' },
    })
  })

  it.each([
    ['none', undefined],
    ['another site', 'https://evil.example'],
    ['another port of this machine', 'http://127.0.0.1:1'],
    ['an opaque page', 'null'],
    ['a name that begins like ours', 'http://127.0.0.1.evil.example'],
    ['https instead of http', 'https://127.0.0.1'],
  ])('refuses a post whose origin is %s (CSRF)', async (_name, origin) => {
    const { origin: _own, ...headers } = world.pageHeaders(cookie)
    const answer = await world.ask('/api/chats/main/messages', {
      method: 'POST',
      headers: origin === undefined ? headers : { ...headers, origin },
      body: JSON.stringify({ id: ID, text: 'x' }),
    })
    expect(answer.status).toBe(403)
    expect(world.taken).toEqual([])
  })

  it.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1', 'localhost.evil.example'])(
    'refuses the host name %j for every address (DNS rebinding)',
    async (host) => {
      for (const path of ['/', '/login?token=x', '/api/agents', '/api/chats/main/events', '/assets/app.js']) {
        const answer = await world.ask(path, { headers: { host, cookie } })
        expect([400, 421]).toContain(answer.status)
        expect(answer.body).not.toContain('main')
      }
    },
  )

  it('answers to localhost as well', async () => {
    expect(
      (await world.ask('/api/agents', { headers: { host: `localhost:${world.port}`, cookie } })).status,
    ).toBe(200)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])(
    'refuses a body of type %j',
    async (type) => {
      expect((await world.post(cookie, 'x', ID, { 'content-type': type })).status).toBe(415)
    },
  )

  it('wants a login for everything of the chat', async () => {
    expect((await world.post('', 'x', ID)).status).toBe(401)
    for (const path of ['/api/agents', '/api/chats/main/events']) {
      expect((await world.ask(path)).status).toBe(401)
      const forged = { cookie: `creel-${world.port}=${'a'.repeat(43)}` }
      expect((await world.ask(path, { headers: forged })).status).toBe(401)
    }
    expect(world.taken).toEqual([])
  })

  it('refuses a body over 64 kB, whether its length is told or not', async () => {
    expect((await world.post(cookie, 'x'.repeat(70_000), ID)).status).toBe(413)
    const chunked = await world.post(cookie, 'x'.repeat(70_000), ID, { 'transfer-encoding': 'chunked' })
    expect(chunked.status).toBe(413)
    expect(chunked.body).toContain('64 kB')
    expect(world.taken).toEqual([])
  })

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"id":"a1b2c3d4"}',
    '{"id":"a1b2c3d4","text":"  "}',
    '{"id":"../x","text":"x"}',
    '{"id":{"$ne":1},"text":"x"}',
    '{"id":"a1b2c3d4","text":7}',
  ])('refuses the body %j', async (body) => {
    const headers = world.pageHeaders(cookie)
    expect((await world.ask('/api/chats/main/messages', { method: 'POST', headers, body })).status).toBe(400)
    expect(world.taken).toEqual([])
  })

  it('knows only the agents there are', async () => {
    for (const name of ['nobody', '..%2f..%2fetc', '__proto__', '%00']) {
      const answer = await world.ask(`/api/chats/${name}/events`, { headers: { cookie } })
      expect(answer.status).toBe(404)
    }
  })

  it('slows a flood of one login and says for how long', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => world.post(cookie, 'x', `flood-000-${index}`)),
    )
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(30)
    const slowed = answers.find((answer) => answer.status === 429)
    expect(Number(slowed?.headers['retry-after'])).toBeGreaterThan(0)
    expect((await world.post(await world.logIn(), 'x', ID)).status).toBe(202)
    world.ahead = 2_000
    expect((await world.post(cookie, 'x', 'later-0001')).status).toBe(202)
  })

  it('does not say taken when it was not kept', async () => {
    world.accept = () => {
      throw new Error('disk full')
    }
    const answer = await world.post(cookie, 'x', ID)
    expect(answer.status).toBe(503)
    expect(answer.body).not.toContain('disk')
    expect(world.faults).toEqual(['web message was not kept: Error: disk full'])
    expect(world.chats.lines('main', 0, 10)).toEqual([])
    world.accept = () => 'new'
    world.chats.failure = new Error('disk full')
    expect((await world.post(cookie, 'x', ID)).status).toBe(503)
  })

  it('sends strict headers with every answer', async () => {
    for (const path of ['/', '/login', '/assets/app.js', '/nothing', '/api/agents']) {
      const { headers } = await world.ask(path)
      const csp = headers['content-security-policy'] ?? ''
      expect(csp).toContain("default-src 'none'")
      expect(csp).toContain("frame-ancestors 'none'")
      expect(csp).not.toContain('unsafe')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
      expect(headers['cross-origin-opener-policy']).toBe('same-origin')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
    const stream = await world.open('/api/chats/main/events', { headers: { cookie } })
    expect(stream.headers['content-security-policy']).toContain("default-src 'none'")
    stream.destroy()
  })

  it('serves its own files, from the cache when unchanged, and no others', async () => {
    const script = await world.ask('/assets/app.js')
    expect(script.headers['content-type']).toContain('text/javascript')
    const again = await world.ask('/assets/app.js', {
      headers: { 'if-none-match': String(script.headers.etag) },
    })
    expect(again.status).toBe(304)
    for (const name of ['channel.ts', '..%2fchannel.ts', 'index.html', '%2e%2e/app.ts']) {
      expect((await world.ask(`/assets/${name}`)).status).toBe(404)
    }
    for (const name of ['index.html', 'login.html', 'welcome.html']) {
      expect((await world.ask(name === 'login.html' ? '/login' : '/')).body).not.toMatch(
        / style=| on\w+=|<style/,
      )
    }
  })

  it('answers health checks under any name', async () => {
    const answer = await world.ask('/healthz', { headers: { host: 'creel:4280' } })
    expect([answer.status, answer.body]).toEqual([200, '{"ok":true}'])
  })

  it('says who to ask when the port is taken', async () => {
    const options = { host: '127.0.0.1', port: world.port, publicUrl: '' }
    const { logins, chats, files, clock } = world
    const second = new WebChannel({
      ...options,
      logins,
      chats,
      files,
      maxFileBytes: 1,
      memory: { reader: new ForkedMemoryReader(world.paths), mayManage: () => false },
      clock,
      groups: () => [],
      onFault: () => undefined,
    })
    const error = await second.listen().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CreelError)
    expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining(String(world.port)) })
    expect(error).toMatchObject({ hint: expect.stringMatching(/web\.port in creel\.toml.*lsof -i/) })
    await second.close()
  })
})
