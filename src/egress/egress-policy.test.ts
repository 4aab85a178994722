import { describe, expect, test } from 'vitest'
import { GARDEN, KITCHEN } from '../../test/rig/host-tables.ts'
import { PolicyWorld } from '../../test/rig/policy-world.ts'
import { CreelError } from '../domain/errors.ts'
import { ONCE_MS } from '../domain/ports/egress-rules.ts'
import { putSecret } from '../domain/vault-edits.ts'

describe('how a connection goes', () => {
  test.each<[egress: unknown[], host: string, port: number, expected: string]>([
    [[], 'example.com', 443, '-'],
    [['example.com'], 'example.com', 443, 'tunnel'],
    [['example.com'], 'example.com', 80, '-'],
    [['example.com'], 'www.example.com', 443, '-'],
    [['example.com'], 'example.com.evil.org', 443, '-'],
    [['http://example.com'], 'example.com', 80, 'tunnel'],
    [['*.example.com'], 'a.example.com', 443, 'tunnel'],
    [['*.example.com'], 'example.com', 443, '-'],
    [['*'], 'example.com', 443, 'tunnel'],
    [['*'], 'example.com', 22, '-'],
    [['example.com/a'], 'example.com', 443, 'open'],
    [[{ host: 'example.com', methods: ['GET'] }], 'example.com', 443, 'open'],
    [['example.com/a', 'example.com'], 'example.com', 443, 'tunnel'],
    [['nas.lan'], 'nas.lan', 443, 'tunnel'],
    [[{ host: 'nas.lan', private: true }], 'nas.lan', 443, 'tunnel+private'],
    [['*', { host: 'nas.lan/x', private: true }], 'nas.lan', 443, 'tunnel+private'],
    [['*', { host: 'nas.lan', private: true }], 'example.com', 443, 'tunnel'],
    [[{ host: '10.0.0.5:8123', private: true }], '10.0.0.5', 8123, 'tunnel+private'],
    [[{ host: '10.0.0.5:8123', private: true }], '10.0.0.6', 8123, '-'],
    [['[2606:4700::1111]'], '2606:4700::1111', 443, 'tunnel'],
    // Forms that the door should have made one, and that rules must not be fooled with.
    [['*'], 'EXAMPLE.com', 443, '-'],
    [['*'], 'example.com.', 443, '-'],
    [['*'], '127.1', 443, '-'],
    [['*'], '2130706433', 443, '-'],
    [['*'], 'a b', 443, '-'],
    [['*'], '', 443, '-'],
    [['*'], '\u212Aernel.org', 443, '-'],
    [['*'], '[::1]', 443, '-'],
  ])('%o to %s:%i is %s', async (egress, host, port, expected) => {
    using world = new PolicyWorld()
    world.configs.set(GARDEN, { egress })
    expect(await world.connection(host, port)).toBe(expected)
    expect(await world.connection(host, port, KITCHEN)).toBe('-')
  })
})

test('one rule is enough for a request, and nothing else is', async () => {
  using world = new PolicyWorld()
  const egress = [
    { host: 'api.example.com/repos', methods: ['GET'] },
    { host: 'api.example.com', methods: ['POST'] },
  ]
  world.configs.set(GARDEN, { egress })
  expect(await world.request('GET api.example.com/repos/x')).toBe(true)
  expect(await world.request('HEAD api.example.com/repos/x')).toBe(true)
  expect(await world.request('POST api.example.com/other')).toBe(true)
  expect(await world.request('GET api.example.com/other')).toBe(false)
  expect(await world.request('GET api.example.com/repos/../other')).toBe(false)
  expect(await world.request('DELETE api.example.com/repos/x')).toBe(false)
  expect(await world.request('GET api.example.com/repos/x', 8443)).toBe(false)
  expect(await world.request('GET api.example.com/repos/x', 443, KITCHEN)).toBe(false)
})

describe('a secret', () => {
  test('lets its hosts and paths pass, opened, for the groups that name it alone', async () => {
    using world = new PolicyWorld()
    await world.secret('github', ['api.github.com', '*.example.com:8443'], ['/repos/acme'])
    world.configs.set(GARDEN, { secrets: ['github'] })
    expect(await world.connection('api.github.com')).toBe('open')
    expect(await world.connection('a.example.com', 8443)).toBe('open')
    expect(await world.connection('a.example.com')).toBe('-')
    expect(await world.connection('api.github.com', 443, KITCHEN)).toBe('-')
    expect(await world.request('POST api.github.com/repos/acme/x')).toBe(true)
    expect(await world.request('GET api.github.com/user')).toBe(false)
    expect(await world.request('GET api.github.com/repos/acme/../other')).toBe(false)
    expect(await world.request('GET api.github.com/repos/acme', 443, KITCHEN)).toBe(false)
  })

  test('opens what a rule would tunnel, and a rule widens what may be asked there', async () => {
    using world = new PolicyWorld()
    await world.secret('github', ['api.github.com'], ['/repos/acme'])
    world.configs.set(GARDEN, { secrets: ['github'], egress: ['*.github.com'] })
    expect(await world.connection('api.github.com')).toBe('open')
    expect(await world.connection('www.github.com')).toBe('tunnel')
    expect(await world.request('GET api.github.com/user')).toBe(true)
  })

  test('that is not in the vault, or belongs to no host, lets nothing pass', async () => {
    using world = new PolicyWorld()
    await world.vault.change(putSecret('openai/main', { kind: 'api-key', key: 'k' }, 0))
    world.configs.set(GARDEN, { secrets: ['openai/main', 'gone'] })
    expect(await world.connection('api.openai.com')).toBe('-')
  })

  test('whose vault cannot be opened stops the groups that name one, and no other', async () => {
    using world = new PolicyWorld()
    world.vault.failing = new CreelError('unavailable', 'no master key')
    world.configs.set(GARDEN, { secrets: ['github'], egress: ['example.com'] })
    world.configs.set(KITCHEN, { egress: ['example.com'] })
    await expect(world.connection('example.com')).rejects.toThrow('no master key')
    await expect(world.request('GET example.com/')).rejects.toThrow('no master key')
    expect(await world.connection('example.com', 443, KITCHEN)).toBe('tunnel')
  })
})

describe('the owner', () => {
  test('allows one group or all, and takes it back; it counts at once', async () => {
    using world = new PolicyWorld()
    const id = world.allow('example.com')
    world.allow('everyone.example', { group: null })
    expect([
      await world.connection('example.com'),
      await world.connection('example.com', 443, KITCHEN),
    ]).toEqual(['tunnel', '-'])
    expect(await world.connection('everyone.example', 443, KITCHEN)).toBe('tunnel')
    world.rules.remove(id)
    expect(await world.connection('example.com')).toBe('-')
  })

  test('denies what container.json, another rule or a secret allows', async () => {
    using world = new PolicyWorld()
    await world.secret('github', ['api.github.com'])
    world.configs.set(GARDEN, { egress: ['*.example.com'], secrets: ['github'] })
    world.allow('*')
    world.deny('a.example.com')
    world.deny('*.github.com:443')
    expect(await world.connection('a.example.com')).toBe('-')
    expect(await world.request('GET a.example.com/')).toBe(false)
    expect(await world.connection('b.example.com')).toBe('tunnel')
    expect(await world.connection('api.github.com')).toBe('-')
    expect(await world.request('GET api.github.com/')).toBe(false)
    world.deny('*', { group: null })
    expect(await world.connection('b.example.com')).toBe('-')
    expect(await world.connection('b.example.com', 443, KITCHEN)).toBe('-')
  })

  test('allows for a time', async () => {
    using world = new PolicyWorld()
    world.allow('example.com', { expiresAt: (world.clock.now() + 1_000) as never })
    expect(await world.connection('example.com')).toBe('tunnel')
    world.clock.set(world.clock.now() + 1_000)
    expect(await world.connection('example.com')).toBe('-')
  })
})

describe('once', () => {
  test('is ten minutes from the first tunnel on', async () => {
    using world = new PolicyWorld()
    world.allow('example.com', { once: true })
    world.clock.set(world.clock.now() + 3_600_000)
    expect(await world.connection('example.com')).toBe('tunnel')
    world.clock.set(world.clock.now() + ONCE_MS - 1)
    expect(await world.connection('example.com')).toBe('tunnel')
    world.clock.set(world.clock.now() + 1)
    expect(await world.connection('example.com')).toBe('-')
  })

  test('of a path begins with the first request there, not with a connection', async () => {
    using world = new PolicyWorld()
    world.allow('example.com/a', { once: true })
    await world.connection('example.com')
    expect(await world.request('GET example.com/b')).toBe(false)
    world.clock.set(world.clock.now() + ONCE_MS)
    expect(await world.request('GET example.com/a')).toBe(true)
    world.clock.set(world.clock.now() + ONCE_MS)
    expect(await world.request('GET example.com/a')).toBe(false)
  })

  test('is not used up by what another rule or a secret lets pass', async () => {
    using world = new PolicyWorld()
    world.allow('example.com/a', { once: true })
    world.configs.set(GARDEN, { egress: ['example.com/a/b'] })
    await world.request('GET example.com/a/b')
    await world.secret('key', ['example.com'], ['/a/c'])
    world.configs.set(GARDEN, { secrets: ['key'] })
    await world.request('GET example.com/a/c')
    expect(world.rules.all()).toMatchObject([{ firstUsedAt: null }])
  })
})

test('a denial says what came nearest', async () => {
  using world = new PolicyWorld()
  await world.secret('key', ['secret.example'], ['/only'])
  world.configs.set(GARDEN, { egress: ['a.example:8443', 'b.example/x'], secrets: ['key'] })
  world.deny('c.example')
  const reason = async (host: string, path?: string) => {
    const target = { host, port: 443 }
    const verdict =
      path === undefined
        ? await world.policy.connection(GARDEN, target)
        : await world.policy.request(GARDEN, { ...target, method: 'GET', path })
    return verdict.allowed ? '' : `${verdict.reason}${verdict.canAsk ? ', ask' : ''}`
  }
  expect(await reason('other.example')).toBe('no rule allows other.example:443, ask')
  expect(await reason('a.example')).toBe('no rule allows a.example:443, only port 8443, ask')
  expect(await reason('b.example', '/y')).toMatch(
    /no rule allows GET b\.example:443 .* allowed there: b\.example\/x, ask/,
  )
  expect(await reason('secret.example', '/y')).toMatch(/allowed there: secret\.example\/only, ask/)
  expect(await reason('c.example')).toBe('the owner denied c.example')
})

test('what is used up is denied until there is room again', async () => {
  using world = new PolicyWorld()
  const limits = { egress: { requests_per_minute: 2, mb_per_hour: 1, mb_per_day: 3 } }
  world.configs.set(GARDEN, { egress: ['a.example', 'b.example/x'], limits })
  const take = () => world.request('GET b.example/x')
  expect([await world.connection('a.example'), await take(), await take()]).toEqual(['tunnel', true, false])
  // A connection that is opened is not counted: its requests are.
  expect([await world.connection('b.example'), await world.connection('a.example')]).toEqual(['open', '-'])
  world.clock.set(world.clock.now() + 60_000)
  expect(await take()).toBe(true)
  for (let hour = 0; hour < 3; hour += 1) {
    world.budget.count(GARDEN, 1_000_000, world.clock.now())
    expect(await take()).toBe(false)
    world.clock.set(world.clock.now() + 3_600_000)
    expect(await take()).toBe(hour < 2)
  }
  world.clock.set(world.clock.now() + 22 * 3_600_000)
  expect(await take()).toBe(true)
})

/** Every way a rule can come to be, against every way a request can differ from it by one thing. */
describe('whatever the source of a rule, a request that differs in one thing does not pass', () => {
  const right = { host: 'api.example.com', port: 8443, method: 'POST', path: '/v1/things' }
  const sources: Record<string, (world: PolicyWorld) => Promise<void> | void> = {
    'container.json': (world) =>
      void world.configs.set(GARDEN, { egress: [{ host: 'api.example.com:8443/v1', methods: ['POST'] }] }),
    'the owner': (world) => void world.allow({ host: 'api.example.com:8443/v1', methods: ['POST'] }),
    once: (world) => void world.allow({ host: 'api.example.com:8443/v1', methods: ['POST'] }, { once: true }),
    'for all groups': (world) =>
      void world.allow({ host: 'api.example.com:8443/v1', methods: ['POST'] }, { group: null }),
    'a domain': (world) => void world.allow({ host: '*.example.com:8443/v1', methods: ['POST'] }),
    'a secret': async (world) => {
      await world.secret('key', ['api.example.com:8443'], ['/v1'])
      world.configs.set(GARDEN, { secrets: ['key'] })
    },
  }
  const wrong: readonly Partial<typeof right>[] = [
    { host: 'api.example.org' },
    { host: 'api.example.com.evil.org' },
    { host: 'example.com' },
    { host: 'API.example.com' },
    { host: 'api.example.com.' },
    { host: '10.0.0.1' },
    { host: '::1' },
    { port: 443 },
    { port: 80 },
    { port: 0 },
    { path: '/' },
    { path: '/v2/things' },
    { path: '/v1/../things' },
    { path: '/v1/%2e%2e/things' },
    { path: '/v1//things' },
    { path: 'v1/things' },
    { path: '' },
    { path: '/v1x' },
  ]

  test.each(Object.entries(sources))('%s', async (name, prepare) => {
    using world = new PolicyWorld()
    await prepare(world)
    expect(await world.policy.request(GARDEN, right)).toEqual({ allowed: true })
    for (const change of [
      ...wrong,
      ...(name === 'a secret' ? [] : [{ method: 'PUT' }, { method: 'post' }]),
    ]) {
      const verdict = await world.policy.request(GARDEN, { ...right, ...change })
      expect({ change, allowed: verdict.allowed }).toEqual({ change, allowed: false })
    }
    world.deny('api.example.com')
    expect((await world.policy.request(GARDEN, right)).allowed).toBe(false)
  })
})
