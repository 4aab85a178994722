import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findSecret } from '../../src/domain/vault-edits.ts'
import { CliRig } from './cli-rig.ts'

const KEY = 'sk-typed-0123456789abcdef'

let cli: CliRig
let printed: string[]
beforeEach(() => {
  cli = new CliRig()
  printed = []
})
afterEach(() => {
  for (const text of printed) expect(text).not.toContain(KEY)
  cli[Symbol.dispose]()
})

/** Runs a command while somebody types; what it printed must never hold the key. */
async function run(args: readonly string[], ...typed: string[]) {
  cli.typed.push(...typed)
  const ran = await cli.run(...args)
  printed.push(ran.out, ran.err)
  return ran
}

async function stored(name: string) {
  using core = cli.core()
  return findSecret(await core.vault.read(), name)
}

describe('creel vault', () => {
  it('keeps what was typed, lists it without its value, forgets it', async () => {
    expect((await run(['vault', 'list'])).out).toContain('nothing in the vault yet')
    expect(existsSync(cli.env.CREEL_MASTER_KEY_FILE ?? '')).toBe(false)
    expect(await run(['vault', 'set', 'anthropic/work'], KEY)).toMatchObject({ code: 0, err: '' })
    expect((await stored('anthropic/work'))?.value).toEqual({ kind: 'api-key', key: KEY })
    const list = await run(['vault', 'list'])
    expect(list.out).toMatch(/anthropic\/work \* +api-key +anthropic +- +- +good/)
    expect(statSync(cli.env.CREEL_MASTER_KEY_FILE ?? '').mode & 0o777).toBe(0o600)
    expect((await run(['vault', 'remove', 'anthropic/work'])).code).toBe(0)
    expect((await run(['vault', 'remove', 'anthropic/work'])).err).toContain(
      'there is no secret anthropic/work',
    )
  })

  it.each([
    [
      ['github', '--host', 'api.github.com'],
      { kind: 'bearer', token: KEY, hosts: ['api.github.com'], paths: [] },
    ],
    [
      ['s', '--host', 'a.b', '*.c.d', '--header', 'X-Key', '--path', '/v1'],
      { kind: 'header', header: 'X-Key', value: KEY, hosts: ['a.b', '*.c.d'], paths: ['/v1'] },
    ],
    [
      ['s', '--host', 'a.b', '--user', 'me'],
      { kind: 'basic', user: 'me', password: KEY, hosts: ['a.b'], paths: [] },
    ],
    [
      ['s', '--host', 'a.b', '--parameter', 'key'],
      { kind: 'query', parameter: 'key', value: KEY, hosts: ['a.b'], paths: [] },
    ],
    [['s', '--kind', 'auth-file'], { kind: 'auth-file', content: KEY }],
    [['telegram/main'], { kind: 'api-key', key: KEY }],
  ])('set %o', async ([name = '', ...options], value) => {
    expect(await run(['vault', 'set', name, ...options], KEY)).toMatchObject({ code: 0 })
    expect((await stored(name))?.value).toEqual(value)
  })

  it.each([
    [['github'], 'which hosts may it be sent to?'],
    [['openai', '--host', 'a.b'], 'openai is a service: which profile of it?'],
    [['acme/x', '--host', 'a.b'], 'there is no service of this name'],
    [['Work!', '--host', 'a.b'], 'expected a name of lower-case letters'],
    [['s', '--host', 'https://a.b'], 'expected a host such as api.example.com'],
    [['s', '--host', 'a.b', '--path', '/a/../b'], 'expected a plain path'],
    [['s', '--kind', 'header', '--host', 'a.b'], '--header NAME is missing'],
    [['openai/x', '--kind', 'bearer', '--host', 'a.b'], 'expected the kind api-key or oauth, got bearer'],
  ])('set %o is refused, says why, and shows nothing of what was typed', async (args, message) => {
    const { code, err } = await run(['vault', 'set', ...args], KEY)
    expect(code).toBe(1)
    expect(err).toContain(message)
  })

  it('does not show a key that cannot be kept', async () => {
    const { code, err } = await run(['vault', 'set', 'openai/x'], `${KEY} ${KEY}`)
    expect(code).toBe(1)
    expect(err).toContain('one line of visible characters')
  })

  it('knows the token of "claude setup-token", and its end', async () => {
    const token = 'sk-ant-oat01-abc'
    await run(['vault', 'set', 'anthropic/a'], token)
    await run(['vault', 'login', 'anthropic/b'], token)
    for (const name of ['anthropic/a', 'anthropic/b'])
      expect((await stored(name))?.value).toMatchObject({ kind: 'oauth', access: token, refresh: null })
    expect((await run(['vault', 'list'])).out).toMatch(/anthropic\/a \* +login .*until 20\d\d-/)
    expect((await run(['vault', 'login', 'anthropic/b'], KEY)).err).toContain('begins with sk-ant-oat')
  })

  it('has a default profile for each service, and says which agents use what', async () => {
    await run(['vault', 'set', 'anthropic/work'], KEY)
    await run(['vault', 'set', 'anthropic/home', '--default'], KEY)
    await cli.run('group', 'add', 'one', '--provider', 'claude')
    const users = async () =>
      (await cli.json<{ secrets: { name: string; groups: string[] }[] }>('vault', 'list')).secrets.map(
        ({ name, groups }) => [name, groups],
      )
    expect(await users()).toEqual([
      ['anthropic/home', ['one']],
      ['anthropic/work', []],
    ])
    await run(['vault', 'default', 'anthropic/work'])
    expect(await users()).toEqual([
      ['anthropic/home', []],
      ['anthropic/work', ['one']],
    ])
    writeFileSync(
      join(cli.groupsDir, 'one', 'container.json'),
      JSON.stringify({ provider: 'claude', secrets: ['anthropic/home'] }),
    )
    expect(await users()).toEqual([
      ['anthropic/home', ['one']],
      ['anthropic/work', []],
    ])
    expect((await run(['vault', 'remove', 'anthropic/home'])).out).toContain('these agents used it: one')
  })

  it('changes its master key, and says what to do when it is gone', async () => {
    await run(['vault', 'set', 'anthropic/work'], KEY)
    const keyFile = cli.env.CREEL_MASTER_KEY_FILE ?? ''
    const old = readFileSync(keyFile, 'utf8')
    expect((await run(['vault', 'rotate'])).out).toContain('new master key')
    expect(readFileSync(keyFile, 'utf8')).not.toBe(old)
    expect((await stored('anthropic/work'))?.value).toEqual({ kind: 'api-key', key: KEY })
    rmSync(keyFile)
    const { code, err } = await run(['vault', 'set', 'openai/x'], KEY)
    expect(code).toBe(1)
    expect(err).toMatch(/master key is missing[\s\S]*what to do: put the key back/)
    expect(existsSync(keyFile)).toBe(false)
  })

  it('is moved by a file that a passphrase opens', { timeout: 60_000 }, async () => {
    await run(['vault', 'set', 'anthropic/work'], KEY)
    await run(['vault', 'set', 'github', '--host', 'a.b'], KEY)
    const file = join(cli.folder, 'vault.export')
    expect((await run(['vault', 'export', file], 'long enough', 'not the same')).err).toContain(
      'not the same',
    )
    expect((await run(['vault', 'export', file], 'short')).err).toContain('shorter than 8')
    expect(existsSync(file)).toBe(false)
    expect((await run(['vault', 'export', file], 'long enough', 'long enough')).out).toContain('2 secrets')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'latin1')).not.toContain(KEY)
    expect((await run(['vault', 'export', file])).err).toContain('exists already')
    await run(['vault', 'remove', 'github'])
    await run(['vault', 'set', 'anthropic/work'], 'another-key')
    expect((await run(['vault', 'import', file], 'wrong one')).err).toContain('does not open the file')
    expect((await run(['vault', 'import', file], 'long enough')).out).toMatch(
      /taken over: github\n.*anthropic\/work/,
    )
    expect((await stored('anthropic/work'))?.value).toEqual({ kind: 'api-key', key: 'another-key' })
    await run(['vault', 'import', file, '--replace'], 'long enough')
    expect((await stored('anthropic/work'))?.value).toEqual({ kind: 'api-key', key: KEY })
  })

  it('is nowhere in clear on disk', async () => {
    await run(['vault', 'set', 'anthropic/work'], KEY)
    for (const name of readdirSync(cli.folder, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue
      const path = join(name.parentPath, name.name)
      expect(readFileSync(path, 'latin1'), path).not.toContain(KEY)
    }
  })
})

describe('creel vault test', () => {
  let server: Server
  let seen: { url: string | undefined; headers: Record<string, unknown> }[]
  let status: number
  beforeEach(async () => {
    seen = []
    status = 200
    server = createServer((request, response) => {
      seen.push({ url: request.url, headers: request.headers })
      response.writeHead(status).end(`you sent ${request.url} ${JSON.stringify(request.headers)}`)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${address !== null && typeof address !== 'string' ? address.port : 0}`
    cli.config(
      `[models.anthropic]\nbase_url = "${url}"\n[models.openai]\nbase_url = "${url}"\n[[telegram]]\ntoken_secret = "telegram/main"\napi_root = "${url}"\n`,
    )
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  it.each([
    ['anthropic/a', '/v1/models?limit=1', { 'x-api-key': KEY }],
    ['openai/a', '/v1/models', { authorization: `Bearer ${KEY}` }],
    ['telegram/main', `/bot${KEY}/getMe`, {}],
  ])('%s makes one call to its service and says what came back', async (name, url, headers) => {
    await run(['vault', 'set', name], KEY)
    expect(await run(['vault', 'test', name])).toMatchObject({ code: 0, out: expect.stringContaining('✓') })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ url, headers })
    status = 401
    const failed = await run(['vault', 'test', name])
    expect(failed.code).toBe(1)
    expect(failed.out).toContain('status 401: you sent')
    expect(failed.out).toContain('***')
  })

  it('says that a service is away, and that a secret is not there', async () => {
    await run(['vault', 'set', 'anthropic/a'], KEY)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect((await run(['vault', 'test', 'anthropic/a'])).out).toContain('could not be reached: ECONNREFUSED')
    expect((await run(['vault', 'test', 'anthropic/b'])).err).toContain('there is no secret anthropic/b')
    server.listen(0)
  })
})
