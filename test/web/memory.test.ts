import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import { WebWorld } from './web-world.ts'

const ID = 'a1b2c3d4-0001'
const WAS = '0123456789abcdef'
const forget = { id: ID, path: 'garden.md', was: WAS, file: null }

describe('the memory of an agent on the page', () => {
  let world: WebWorld
  let cookie: string
  let folder: string
  beforeEach(async () => {
    world = await new WebWorld().start()
    cookie = await world.logIn()
    folder = world.paths.memory('main' as GroupName)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'index.md'), '- <img src=x onerror=alert(1)> tea')
  })
  afterEach(() => world[Symbol.asyncDispose]())

  const get = (rest = '', headers = { cookie }) => world.ask(`/api/chats/main/memory${rest}`, { headers })
  const change = (body: unknown, headers: Record<string, string> = {}, group = 'main') =>
    world.ask(`/api/chats/${group}/memory`, {
      method: 'POST',
      headers: { ...world.pageHeaders(cookie), ...headers },
      body: JSON.stringify(body),
    })
  async function uploaded(text: string): Promise<string> {
    const headers = { ...world.pageHeaders(cookie), 'content-type': 'application/octet-stream' }
    const { body } = await world.ask('/api/chats/main/files?name=page.md&type=text/markdown', {
      method: 'POST',
      headers,
      body: text,
    })
    return (JSON.parse(body) as { id: string }).id
  }

  it('is listed, read and searched, as data and never as a page', async () => {
    expect(JSON.parse((await get()).body)).toMatchObject({ found: [{ path: 'index.md' }], more: false })
    const { body, headers } = await get('/file?path=index.md')
    expect(headers['content-type']).toContain('application/json')
    expect(JSON.parse(body)).toMatchObject({ text: '- <img src=x onerror=alert(1)> tea', more: false })
    expect(JSON.parse((await get('/search?words=TEA')).body)).toMatchObject({ found: [{ line: 1 }] })
    expect(JSON.parse((await get('/search?words=')).body)).toEqual({ found: [], more: false })
  })

  it.each(['../secret.md', '/etc/passwd', 'link.md', '', 'x%00y', '..%2f..%2fcontainer.json'])(
    'is not left through %j',
    async (path) => {
      writeFileSync(join(world.folder, 'secret.md'), 'of the host')
      symlinkSync(join(world.folder, 'secret.md'), join(folder, 'link.md'))
      const { status, body } = await get(`/file?path=${path}`)
      expect(status).toBe(400)
      expect(body).not.toContain('of the host')
    },
  )

  it('is changed by what could be said in the chat, by who is logged in, with what they saw', async () => {
    const file = await uploaded('- roses')
    expect((await change({ ...forget, path: 'my garden.md', file })).status).toBe(202)
    expect((await change({ ...forget, id: `${ID}2` })).status).toBe(202)
    expect(world.taken).toMatchObject([
      {
        text: `/memory write my garden.md --was=${WAS}`,
        sender: { id: 'web:owner' },
        platformMessageId: `memory:${ID}`,
        files: [{ name: 'page.md', bytes: 7 }],
      },
      { text: `/memory forget garden.md --was=${WAS}` },
    ])
    expect(world.chats.lines('main', 0, 10)).toEqual([])
  })

  it.each([
    ['a second line', { ...forget, path: 'a\n/stop.md' }, 400],
    ['a mark of its own', { ...forget, path: `a.md --was=none .md` }, 400],
    ['no page', { ...forget, path: 'run.sh' }, 400],
    ['no print', { ...forget, was: 'none --x' }, 400],
    ['nothing that was seen', { id: ID, path: 'a.md', file: null }, 400],
    ['a file that nobody sent', { ...forget, file: 'unknown' }, 409],
    ['nonsense', 'x', 400],
  ])('is not changed by %s', async (_what, body, status) => {
    expect((await change(body)).status).toBe(status)
    expect(world.taken).toEqual([])
  })

  it('is for owners and admins of the agent, who are logged in, on the page itself', async () => {
    expect((await get('', { cookie: '' })).status).toBe(401)
    expect((await change(forget, { cookie: '' })).status).toBe(401)
    expect((await change(forget, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await change(forget, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await change(forget, {}, 'other')).status).toBe(404)
    world.managers.clear()
    for (const rest of ['', '/file?path=index.md', '/search?words=tea'])
      expect((await get(rest)).status).toBe(403)
    expect((await change(forget)).status).toBe(403)
    expect(world.taken).toEqual([])
  })

  it('is looked at so many times a second at most', async () => {
    const all = await Promise.all(Array.from({ length: 40 }, () => get('/search?words=')))
    expect(all.some(({ status, headers }) => status === 429 && headers['retry-after'] !== undefined)).toBe(
      true,
    )
  })
})
