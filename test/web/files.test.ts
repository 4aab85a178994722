import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebWorld } from './web-world.ts'

const FOREIGN = { origin: 'http://evil.example' }

let world: WebWorld
let cookie: string

beforeEach(async () => {
  world = await new WebWorld().start()
  cookie = await world.logIn()
})
afterEach(() => world[Symbol.asyncDispose]())

const upload = (body: string, query = 'name=a.txt&type=text/plain', headers: Record<string, string> = {}) =>
  world.ask(`/api/chats/main/files?${query}`, {
    method: 'POST',
    headers: { ...world.pageHeaders(cookie), 'content-type': 'application/octet-stream', ...headers },
    body,
  })
const idOf = async (body: string, query?: string) => JSON.parse((await upload(body, query)).body).id as string
const send = (files: string[], text = '', id = 'message-1') =>
  world.ask('/api/chats/main/messages', {
    method: 'POST',
    headers: world.pageHeaders(cookie),
    body: JSON.stringify({ id, text, files }),
  })
const agentSends = async (name: string, image: object | null = null) => {
  const file = { ...world.files.put(Buffer.from('hello')), image: image as never, name, mime: 'text/html' }
  const [part = ''] = world.channel.renderFile(file, '')
  return await world.channel.send(world.address(), part, `key-${name}`, new AbortController().signal)
}

it('takes a file and then its message, once, and shows both', async () => {
  const id = await idOf('hello')
  const first = await send([id])
  const again = await send([id])
  expect([first.status, again.status]).toEqual([202, 202])
  expect(JSON.parse(again.body)).toEqual(JSON.parse(first.body))
  const { line, files } = JSON.parse(first.body)
  expect(files).toEqual([
    { name: 'a.txt', size: '5 bytes', url: `/api/chats/main/files/${line}/0`, image: null, sound: false },
  ])
  expect(world.taken[0]).toMatchObject({
    text: '[document a.txt]',
    files: [{ kind: 'document', name: 'a.txt', mime: 'text/plain', bytes: 5 }],
  })
  expect((await world.ask(files[0].url, { headers: { cookie } })).body).toBe('hello')
})

it('asks for the files again when it does not know them any more, and takes none of another person', async () => {
  const id = await idOf('hello')
  expect((await send(['unknown-upload'])).status).toBe(409)
  world.ahead = 31 * 60_000
  await upload('later')
  expect((await send([id])).status).toBe(409)
  expect(world.taken).toEqual([])
})

it('refuses an upload from elsewhere, without login, of another type, of nothing, or too large', async () => {
  const statuses = await Promise.all([
    upload('x', undefined, FOREIGN),
    upload('x', undefined, { cookie: '' }),
    upload('x', undefined, { 'content-type': 'text/plain' }),
    upload('x', undefined, { 'content-type': 'multipart/form-data' }),
    upload(''),
    upload('x'.repeat(1_000_001)),
    world.ask('/api/chats/other/files?name=x', {
      method: 'POST',
      headers: { ...world.pageHeaders(cookie), 'content-type': 'application/octet-stream' },
      body: 'x',
    }),
  ])
  expect(statuses.map(({ status }) => status)).toEqual([403, 401, 415, 415, 400, 413, 404])
})

it('stops an upload that is longer than it says at its bound', async () => {
  const answer = await upload('x'.repeat(1_100_000), undefined, { 'transfer-encoding': 'chunked' })
  expect([answer.status, world.faults]).toEqual([413, []])
})

it('gives a file as something to save, that no browser runs, to those who are logged in', async () => {
  const line = await agentSends('a"\r\nX: y<b>ü.html')
  const path = `/api/chats/main/files/${line}/0`
  const { status, headers, body } = await world.ask(path, { headers: { cookie } })
  expect([status, body]).toEqual([200, 'hello'])
  expect(headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
  })
  expect(headers['content-disposition']).toMatch(
    /^attachment; filename="a___X_ y_b__.html"; filename\*=UTF-8''/,
  )
  expect(headers.x).toBeUndefined()
  expect((await world.ask(path)).status).toBe(401)
  expect((await world.ask(path, { headers: { cookie, host: 'evil.example' } })).status).toBe(421)
})

it('shows an image as what its bytes are', async () => {
  const line = await agentSends('x.html', { mime: 'image/png', width: 1, height: 1 })
  const { headers } = await world.ask(`/api/chats/main/files/${line}/0`, { headers: { cookie } })
  expect(headers['content-type']).toBe('image/png')
})

it('gives nothing that is no file of this chat', async () => {
  world.groups = [...world.groups, { name: 'other' as never, provider: 'demo', state: 'asleep' }]
  const line = await agentSends('a.txt')
  const statuses = await Promise.all(
    [
      `/api/chats/other/files/${line}/0`,
      `/api/chats/main/files/${line}/1`,
      `/api/chats/main/files/${line}/-1`,
      '/api/chats/main/files/999/0',
      `/api/chats/main/files/${line}/..%2f..`,
      `/api/chats/main/files/__proto__/0`,
    ].map((path) => world.ask(path, { headers: { cookie } })),
  )
  expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404])
  world.files.forget(world.chats.lines('main', 0, 1)[0]?.files?.[0]?.sha256 ?? '')
  expect((await world.ask(`/api/chats/main/files/${line}/0`, { headers: { cookie } })).status).toBe(410)
})
