import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LOGIN_LINK_MS, WEB_SESSION_MS } from '../../src/domain/ports/web-logins.ts'
import { WebWorld } from './web-world.ts'

describe('web login', () => {
  let world: WebWorld
  beforeEach(async () => {
    world = await new WebWorld().start()
  })
  afterEach(() => world[Symbol.asyncDispose]())

  const tokenOf = (link: string): string => new URL(link).searchParams.get('token') ?? ''

  it('is not used up by a program that only looks at the link', async () => {
    const link = new URL(world.channel.createLoginLink())
    for (const method of ['GET', 'HEAD', 'GET']) {
      expect((await world.ask(link.pathname + link.search, { method })).status).toBe(200)
    }
    expect((await world.redeem(tokenOf(link.href))).status).toBe(204)
  })

  it('gives a cookie that scripts and other sites cannot use', async () => {
    const answer = await world.redeem(tokenOf(world.channel.createLoginLink()))
    expect(answer.headers['set-cookie']).toHaveLength(1)
    const [cookie = ''] = answer.headers['set-cookie'] ?? []
    expect(cookie).toMatch(new RegExp(`^creel-${world.port}=[A-Za-z0-9_-]{43}; Max-Age=2592000; Path=/;`))
    expect(cookie).toContain('HttpOnly')
    expect(cookie).toContain('SameSite=Strict')
    expect(cookie).not.toContain('Secure')
  })

  it('marks the cookie Secure behind https', async () => {
    await using proxied = await new WebWorld({ publicUrl: 'https://creel.example.org' }).start()
    expect(proxied.channel.createLoginLink()).toMatch(/^https:\/\/creel\.example\.org\/login\?token=/)
    const answer = await proxied.ask('/login', {
      method: 'POST',
      headers: {
        host: 'creel.example.org',
        origin: 'https://creel.example.org',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ token: tokenOf(proxied.channel.createLoginLink()) }),
    })
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^__Host-creel=.*Path=\/;.*Secure/)
  })

  it('takes a link once; of 20 at the same moment one wins', async () => {
    const token = tokenOf(world.channel.createLoginLink())
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.redeem(token)))
    expect(answers.filter((answer) => answer.status === 204)).toHaveLength(1)
    expect(answers.filter((answer) => answer.status === 410)).toHaveLength(19)
    expect(answers.flatMap((answer) => answer.headers['set-cookie'] ?? [])).toHaveLength(1)
  })

  it('refuses an old link and says how to get another', async () => {
    const token = tokenOf(world.channel.createLoginLink())
    world.ahead = LOGIN_LINK_MS
    const answer = await world.redeem(token)
    expect(answer.status).toBe(410)
    expect(answer.body).toContain('./creel link')
  })

  it.each(['', 'short', 'x'.repeat(1000), '../../etc/passwd', "' OR 1=1 --", 'a'.repeat(43)])(
    'refuses the token %j without asking the database for nonsense',
    async (token) => {
      expect((await world.redeem(token)).status).toBe(410)
    },
  )

  it('slows down who tries tokens', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => world.redeem('a'.repeat(43))))
    const slowed = answers.filter((answer) => answer.status === 429)
    expect(slowed.length).toBeGreaterThanOrEqual(8)
    expect(Number(slowed[0]?.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('ends with its time and with revokeAll', async () => {
    const cookie = await world.logIn()
    const agents = () => world.ask('/api/agents', { headers: { cookie } })
    expect((await agents()).status).toBe(200)
    world.ahead = WEB_SESSION_MS - 60_000
    expect((await agents()).status).toBe(200)
    world.ahead = 2 * WEB_SESSION_MS - 120_000
    expect((await agents()).status).toBe(200)
    world.logins.revokeAll()
    expect((await agents()).status).toBe(401)
  })

  it('shows the chat to who is logged in, and to others how to log in', async () => {
    const stranger = await world.ask('/')
    expect(stranger.status).toBe(401)
    expect(stranger.body).toContain('./creel link')
    expect(stranger.body).not.toContain('composer')
    const known = await world.ask('/', { headers: { cookie: await world.logIn() } })
    expect(known.status).toBe(200)
    expect(known.body).toContain('composer')
    expect(known.headers['set-cookie']?.[0]).toMatch(/Max-Age=2592000.*HttpOnly.*SameSite=Strict/)
  })
})
