import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EventReader } from './event-reader.ts'
import { WebWorld } from './web-world.ts'

const ID = 'a1b2c3d4-0001'
const CHOICES = [
  { label: 'Always', say: '/approve abcde-fghjk always' },
  { label: 'Deny', say: '/reject abcde-fghjk' },
]

describe('buttons of the web chat', () => {
  let world: WebWorld
  let cookie: string
  let line: number
  beforeEach(async () => {
    world = await new WebWorld().start()
    cookie = await world.logIn()
    const [part = ''] = world.channel.renderChoices('May it?', CHOICES)
    line = Number(await world.channel.send(world.address(), part, 'k1', new AbortController().signal))
  })
  afterEach(() => world[Symbol.asyncDispose]())

  function press(body: object, headers: Record<string, string> = {}) {
    const own = { ...world.pageHeaders(cookie), ...headers }
    return world.ask('/api/chats/main/presses', { method: 'POST', headers: own, body: JSON.stringify(body) })
  }

  it('say what stands in the line, for whoever is logged in, and leave no line of their own', async () => {
    expect((await press({ id: ID, line, choice: 1 })).status).toBe(202)
    expect(world.taken).toMatchObject([
      { text: '/reject abcde-fghjk', sender: { id: 'web:owner' }, platformMessageId: `press:${ID}` },
    ])
    expect(world.chats.lines('main', 0, 10)).toHaveLength(1)
  })

  it.each([
    ['another choice', { id: ID, line: 1, choice: 2 }, 410],
    ['another line', { id: ID, line: 99, choice: 0 }, 410],
    ['words of its own', { id: ID, line: 1, choice: 0, say: '/approve x' }, 202],
    ['no place', { id: ID, line: 1, choice: '__proto__' }, 400],
    ['a place before the first', { id: ID, line: 1, choice: -1 }, 400],
  ])('of a page that names %s say nothing that is not there', async (_, body, status) => {
    expect((await press(body)).status).toBe(status)
    const said = world.taken.map(({ text }) => text)
    expect(said).toEqual(status === 202 ? ['/approve abcde-fghjk always'] : [])
  })

  it('are refused to other sites and to who is not logged in', async () => {
    expect((await press({ id: ID, line, choice: 0 }, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await press({ id: ID, line, choice: 0 }, { cookie: 'creel=x' })).status).toBe(401)
    expect(world.taken).toEqual([])
  })

  it('go when it is decided, also for a page that was away meanwhile', async () => {
    const open = await EventReader.open(world, cookie)
    await open.until('ready')
    expect(open.named('line')[0]?.data).toMatchObject({ choices: ['Always', 'Deny'] })
    await world.channel.cards.settle(world.address(), String(line), 'Denied', new AbortController().signal)
    expect((await open.until('change'))[0]?.data).toMatchObject({ id: line, html: '<p>Denied</p>\n' })
    open.close()
    const later = await EventReader.open(world, cookie, line)
    await later.until('ready')
    expect(later.named('change')).toHaveLength(1)
    expect(later.named('change')[0]?.data).not.toHaveProperty('choices')
    later.close()
    expect((await press({ id: ID, line, choice: 0 })).status).toBe(410)
  })
})
