import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../test/fakes/fake-clock.ts'
import { FakeVault } from '../../test/fakes/fake-vault.ts'
import { GroupConfig } from '../config/schema.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import type { SecretValue } from '../domain/secret.ts'
import { findSecret, makeDefault, putSecret } from '../domain/vault-edits.ts'
import { Credentials } from './credentials.ts'
import { SecretWarnings } from './secret-warnings.ts'

const A = 'a' as GroupName
const B = 'b' as GroupName

let vault: FakeVault
let clock: FakeClock
let groups: Record<string, unknown>
let rejected: string[]
let warnings: SecretWarnings
let credentials: Credentials
let fileKeys: { anthropic: string | null; openai: string | null }

beforeEach(() => {
  vault = new FakeVault()
  clock = new FakeClock()
  groups = { a: { provider: 'claude' }, b: { provider: 'codex' } }
  rejected = []
  fileKeys = { anthropic: null, openai: null }
  warnings = new SecretWarnings(vault, clock)
  credentials = new Credentials({
    vault,
    clock,
    keeper: {
      fresh: async (name) => {
        const value = findSecret(await vault.read(), name)?.value
        if (value?.kind !== 'oauth') throw new Error('no login')
        if (value.dead) throw new CreelError('unauthorized', 'over')
        return value
      },
      rejected: (name, access) => rejected.push(`${name} ${access}`),
    },
    groups: { load: (group) => GroupConfig.parse(groups[group]) },
    get fileKeys() {
      return fileKeys
    },
    report: {
      unusable: (group, what, reason) => warnings.unusable(group, what, reason),
      refused: (name, service) => warnings.refused(name, service),
      noteFailed: () => undefined,
    },
  })
})

const put = (name: string, value: SecretValue = { kind: 'api-key', key: `key-of-${name}` }) =>
  vault.change(putSecret(name, value, clock.now()))
const login = (name: string, more: object = {}) =>
  put(name, {
    kind: 'oauth',
    ...{ access: `at-${name}`, refresh: `rt-${name}`, expiresAt: null, obtainedAt: 0, account: 'acc' },
    ...{ client: { tokenUrl: 'https://t.example', clientId: 'c', body: 'form' as const } },
    ...{ renewingSince: null, dead: null, hosts: [], paths: [] },
    ...more,
  })

describe('the credential of a model service', () => {
  it('is the default profile of the service that the provider calls, and of no other', async () => {
    await put('anthropic/work')
    await put('anthropic/home')
    await put('openai/work')
    expect(await credentials.forModel(A, 'anthropic')).toEqual({ kind: 'key', key: 'key-of-anthropic/work' })
    expect(await credentials.forModel(A, 'openai')).toBeNull()
    expect(await credentials.forModel(B, 'openai')).toEqual({ kind: 'key', key: 'key-of-openai/work' })
    await vault.change(makeDefault('anthropic/home'))
    expect(await credentials.forModel(A, 'anthropic')).toEqual({ kind: 'key', key: 'key-of-anthropic/home' })
  })

  it('is the profile that container.json names, and without one there is none', async () => {
    await put('anthropic/work')
    await put('anthropic/home')
    groups.a = { provider: 'claude', secrets: ['github', 'anthropic/home'] }
    expect(await credentials.forModel(A, 'anthropic')).toEqual({ kind: 'key', key: 'key-of-anthropic/home' })
    groups.a = { provider: 'claude', secrets: [] }
    fileKeys.anthropic = 'file-key'
    expect(await credentials.forModel(A, 'anthropic')).toBeNull()
  })

  it("is the key file's where the vault has none", async () => {
    fileKeys.anthropic = 'file-key'
    expect(await credentials.forModel(A, 'anthropic')).toEqual({ kind: 'key', key: 'file-key' })
    expect(await credentials.forModel(B, 'anthropic')).toBeNull()
    await put('anthropic/work')
    expect(await credentials.forModel(A, 'anthropic')).toEqual({ kind: 'key', key: 'key-of-anthropic/work' })
  })

  it('that was changed counts at once', async () => {
    await put('anthropic/work')
    await credentials.forModel(A, 'anthropic')
    await put('anthropic/work', { kind: 'api-key', key: 'new' })
    expect(await credentials.forModel(A, 'anthropic')).toEqual({ kind: 'key', key: 'new' })
  })

  it('may be a login, with its account', async () => {
    await login('openai/work')
    const given = await credentials.forModel(B, 'openai')
    expect(given).toEqual({ kind: 'login', key: 'at-openai/work', account: 'acc' })
    if (given) credentials.refused(B, 'openai', given)
    expect(rejected).toEqual(['openai/work at-openai/work'])
    expect(await warnings.current()).toEqual([])
  })

  it('that is named but missing, of another kind, or locked away is an error and told once', async () => {
    groups.a = { provider: 'claude', secrets: ['anthropic/gone'] }
    for (let n = 0; n < 3; n++)
      await expect(credentials.forModel(A, 'anthropic')).rejects.toMatchObject({ code: 'not_found' })
    await put('anthropic/gone', { kind: 'auth-file', content: 'x' })
    await expect(credentials.forModel(A, 'anthropic')).rejects.toMatchObject({ code: 'invalid' })
    expect(await warnings.current()).toHaveLength(2)
    vault.failing = new CreelError('unauthorized', 'the master key is missing')
    fileKeys.openai = 'file-key'
    await expect(credentials.forModel(B, 'openai')).rejects.toThrow('master key')
    expect((await warnings.current()).map(({ text }) => text).join()).toContain('master key')
  })

  it('of a group whose settings cannot be read is none', async () => {
    await put('anthropic/work')
    groups.a = { provider: 7 }
    await expect(credentials.forModel(A, 'anthropic')).rejects.toThrow()
  })

  it('is noted as used, to the hour', async () => {
    await put('anthropic/work')
    for (let n = 0; n < 5; n++) await credentials.forModel(A, 'anthropic')
    await clock.settled()
    const writes = vault.writes
    expect((await vault.read()).secrets[0]?.lastUsedAt).toBe(clock.now())
    await clock.advance(3_599_000)
    await credentials.forModel(A, 'anthropic')
    await clock.advance(1_000)
    expect(vault.writes).toBe(writes)
    await credentials.forModel(A, 'anthropic')
    await clock.settled()
    expect(vault.writes).toBe(writes + 1)
    expect((await vault.read()).secrets[0]?.lastUsedAt).toBe(clock.now())
  })
})

describe('the owner is told', () => {
  it('of a key that its service refuses, until it is changed', async () => {
    await put('anthropic/work')
    const given = await credentials.forModel(A, 'anthropic')
    if (given) for (let n = 0; n < 3; n++) credentials.refused(A, 'anthropic', given)
    expect((await warnings.current()).map(({ text }) => text)).toEqual([
      expect.stringContaining('does not take the secret **anthropic/work**'),
    ])
    await clock.advance(1)
    await put('anthropic/work')
    expect(await warnings.current()).toEqual([])
  })

  it('of logins that are over or end soon, each news once, with what to do', async () => {
    const day = 86_400_000
    const ends = (days: number) => ({ refresh: null, client: null, expiresAt: clock.now() + days * day })
    await login('anthropic/soon', ends(10))
    await login('anthropic/later', ends(20))
    await login('anthropic/over', ends(-1))
    await login('openai/dead', { dead: { at: clock.now(), reason: 'the login was refused: invalid_grant' } })
    await login('openai/renewed', { expiresAt: clock.now() - day })
    const told = await warnings.current()
    expect(told.map(({ key }) => key.split(':').slice(0, 3).join(':'))).toEqual([
      'secret:ended:anthropic/over',
      'secret:ending:anthropic/soon',
      'secret:dead:openai/dead',
    ])
    for (const { text } of told) expect(text).toContain('creel vault login')
    expect(told).toEqual(await warnings.current())
  })
})

describe('a request of a tool', () => {
  const request = { host: 'api.github.com', port: 443, path: '/user', secure: true }
  const github: SecretValue = { kind: 'bearer', token: 'gh', hosts: ['api.github.com'], paths: [] }

  it("gets the first of its group's secrets that covers it; another group gets nothing", async () => {
    await put('github', github)
    await put('other', { ...github, token: 'second' })
    groups.a = { provider: 'claude', secrets: ['missing', 'github', 'other'] }
    expect(await credentials.forRequest(A, request)).toMatchObject({
      headers: { authorization: 'Bearer gh' },
    })
    expect(await credentials.forRequest(B, request)).toBeNull()
    expect(await credentials.forRequest(A, { ...request, host: 'evil.example' })).toBeNull()
  })
})
