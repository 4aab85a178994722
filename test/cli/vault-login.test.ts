import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findSecret } from '../../src/domain/vault-edits.ts'
import { LoginServer } from '../rig/login-server.ts'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

async function stored(name: string) {
  using core = cli.core()
  return findSecret(await core.vault.read(), name)
}

describe('a login in a browser', () => {
  const login = (server: LoginServer) => [
    ...['vault', 'login', 'calendar', '--authorize-url', 'https://login.example/authorize', '--token-url'],
    ...[server.tokenUrl, '--client-id', 'creel-test', '--host', 'api.example.com'],
  ]

  it('ends with the address that is pasted, and is renewed like any other', async () => {
    const server = await LoginServer.make()
    try {
      // Typed after the address was shown: what the browser ended at.
      const ran = cli.run(...login(server))
      cli.onError = (line) => {
        const address = /https:\/\/login\.example\S+/.exec(line)?.[0]
        if (address) cli.typed.push(server.authorize(address))
      }
      expect(await ran).toMatchObject({ code: 0 })
      const value = (await stored('calendar'))?.value
      expect(value).toMatchObject({ kind: 'oauth', hosts: ['api.example.com'] })
      if (value?.kind === 'oauth') expect(server.isGood(value.access)).toBe(true)
    } finally {
      await server[Symbol.asyncDispose]()
    }
  })

  it('ends when the browser comes back to this machine', async () => {
    const server = await LoginServer.make()
    try {
      const ran = cli.run(...login(server))
      cli.waitForTyping = true
      cli.onError = (line) => {
        const address = /https:\/\/login\.example\S+/.exec(line)?.[0]
        if (address) void visit(server.authorize(address))
      }
      expect(await ran).toMatchObject({ code: 0 })
      expect((await stored('calendar'))?.value.kind).toBe('oauth')
    } finally {
      await server[Symbol.asyncDispose]()
    }
  })

  it('of another login is refused', async () => {
    const server = await LoginServer.make()
    try {
      cli.typed.push('http://127.0.0.1:1/callback?code=abc&state=another')
      expect((await cli.run(...login(server))).err).toContain('belongs to another login')
      expect(server.asked).toEqual([])
    } finally {
      await server[Symbol.asyncDispose]()
    }
  })
})

/** The browser: a stranger without the state is turned away, then the real one comes. */
async function visit(address: string): Promise<void> {
  const stranger = new URL(address)
  stranger.searchParams.set('state', 'guess')
  expect((await fetch(stranger)).status).toBe(404)
  expect((await fetch(address)).status).toBe(200)
}

describe('pairing with a ChatGPT plan', () => {
  let server: Server
  let asked: { url: string; body: string }[]
  /** Polls that are answered "not yet". */
  let early: number
  let refuse: number
  beforeEach(async () => {
    asked = []
    early = 1
    refuse = 0
    server = createServer(async (request, response) => {
      const url = request.url ?? ''
      asked.push({ url, body: await text(request) })
      const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body))
      if (refuse > 0) return answer(refuse, {})
      if (url === '/api/accounts/deviceauth/usercode')
        return answer(200, { device_auth_id: 'dev-1', user_code: 'ABCD-1234', interval: '1' })
      if (url === '/api/accounts/deviceauth/token' && early-- > 0) return answer(403, {})
      if (url === '/api/accounts/deviceauth/token')
        return answer(200, { authorization_code: 'code-1', code_challenge: 'c', code_verifier: 'verifier-1' })
      if (url === '/oauth/token')
        return answer(200, { access_token: JWT, refresh_token: 'rt-1', id_token: 'x' })
      return answer(404, {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const payload = { exp: 4_000_000_000, 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-7' } }
  const JWT = `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.sig`
  const login = () => {
    const address = server.address()
    const port = address !== null && typeof address !== 'string' ? address.port : 0
    return cli.run('vault', 'login', 'openai/work', '--issuer', `http://127.0.0.1:${port}`)
  }

  it('shows page and code, waits, and keeps a login of its own with its account and end', async () => {
    const { code, out, err } = await login()
    expect(err).toMatch(/Open http:\/\/127\.0\.0\.1:\d+\/codex\/device/)
    expect(err).toContain('ABCD-1234')
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('is logged in') })
    expect(out + err).not.toContain(JWT)
    expect(asked.map(({ url }) => url)).toEqual([
      '/api/accounts/deviceauth/usercode',
      '/api/accounts/deviceauth/token',
      '/api/accounts/deviceauth/token',
      '/oauth/token',
    ])
    expect(Object.fromEntries(new URLSearchParams(asked.at(-1)?.body))).toMatchObject({
      grant_type: 'authorization_code',
      code: 'code-1',
      code_verifier: 'verifier-1',
      redirect_uri: expect.stringMatching(/\/deviceauth\/callback$/),
    })
    expect((await stored('openai/work'))?.value).toMatchObject({
      kind: 'oauth',
      access: JWT,
      refresh: 'rt-1',
      account: 'acc-7',
      expiresAt: 4_000_000_000_000,
      client: { tokenUrl: expect.stringMatching(/\/oauth\/token$/), body: 'json' },
    })
  })

  it.each([
    [404, 'does not allow logins with a device code'],
    [500, 'answered in an unknown way (status 500)'],
  ])('that fails with status %i says so and keeps nothing', async (status, message) => {
    refuse = status
    const { code, err } = await login()
    expect(code).toBe(1)
    expect(err).toContain(message)
    expect(await stored('openai/work')).toBeNull()
  })
})
