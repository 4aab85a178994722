import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../test/fakes/fake-clock.ts'
import { FakeVault } from '../../test/fakes/fake-vault.ts'
import { LoginServer } from '../../test/rig/login-server.ts'
import { HttpTokenServer } from '../adapters/oauth/http-token-server.ts'
import { CreelError } from '../domain/errors.ts'
import type { OAuthSecret, VaultContent } from '../domain/secret.ts'
import { findSecret, putSecret } from '../domain/vault-edits.ts'
import { TokenKeeper } from './token-keeper.ts'

const NAME = 'openai/work'
const HOUR = 3_600_000

let server: LoginServer
let clock: FakeClock
let disk: { content: VaultContent | null }
let vault: FakeVault
let reports: string[]

beforeEach(async () => {
  server = await LoginServer.make()
  clock = new FakeClock()
  disk = { content: null }
  vault = new FakeVault(disk)
  reports = []
})
afterEach(() => server[Symbol.asyncDispose]())

function keeper(): TokenKeeper {
  return new TokenKeeper({
    ...{ vault, clock, random: () => 0.5 },
    server: new HttpTokenServer(clock),
    report: {
      renewed: (name) => reports.push(`renewed ${name}`),
      refused: (name, reason) => reports.push(`refused ${name}: ${reason}`),
      failed: (name, reason) => reports.push(`failed ${name}: ${reason}`),
    },
  })
}

/** A login in the vault that ends in `endsInMs`; made an hour before. */
async function logIn(endsInMs: number, name = NAME, more: Partial<OAuthSecret> = {}): Promise<OAuthSecret> {
  const value: OAuthSecret = {
    kind: 'oauth',
    ...server.logIn(),
    expiresAt: clock.now() + endsInMs,
    obtainedAt: clock.now() - HOUR,
    account: null,
    client: { tokenUrl: server.tokenUrl, clientId: 'creel-test', body: 'form' },
    hosts: [],
    paths: [],
    renewingSince: null,
    dead: null,
    ...more,
  }
  await vault.change(putSecret(name, value, clock.now()))
  return value
}

async function stored(name = NAME): Promise<OAuthSecret> {
  const value = findSecret(await new FakeVault(disk).read(), name)?.value
  if (value?.kind !== 'oauth') throw new Error('no login')
  return value
}

describe('a login', () => {
  it('that is good for long is used as it is', async () => {
    const { access } = await logIn(HOUR)
    expect(await keeper().fresh(NAME)).toMatchObject({ access })
    expect(server.asked).toEqual([])
  })

  it('that ends is renewed exactly once for a hundred requests at once, and written down', async () => {
    const old = await logIn(0)
    const tokens = keeper()
    const all = await Promise.all(Array.from({ length: 100 }, () => tokens.fresh(NAME)))
    expect(server.asked).toEqual(['issued'])
    expect(server.reuses).toBe(0)
    expect(new Set(all.map(({ access }) => access)).size).toBe(1)
    const now = await stored()
    expect(now.access).toBe(all[0]?.access)
    expect(now.access).not.toBe(old.access)
    expect(server.pairs.get(now.access)).toBe(now.refresh)
    expect(now).toMatchObject({ renewingSince: null, dead: null, expiresAt: clock.now() + HOUR })
    expect(reports).toEqual([`renewed ${NAME}`])
  })

  it('is renewed ahead of its end, a short-lived one not at each use', async () => {
    await logIn(4 * 60_000)
    const tokens = keeper()
    await tokens.fresh(NAME)
    expect(server.asked).toHaveLength(1)
    server.lifeSeconds = 60
    await logIn(0, 'openai/short')
    await tokens.fresh('openai/short')
    await tokens.fresh('openai/short')
    expect(server.asked).toHaveLength(2)
    await clock.advance(49_000)
    await tokens.fresh('openai/short')
    expect(server.asked).toHaveLength(3)
  })

  it('can be renewed over and over', async () => {
    await logIn(0)
    const tokens = keeper()
    for (let round = 0; round < 20; round++) {
      await Promise.all([tokens.fresh(NAME), tokens.fresh(NAME)])
      await clock.advance(HOUR)
    }
    expect(server.asked).toHaveLength(20)
    expect(server.reuses).toBe(0)
    expect(server.isGood((await stored()).access)).toBe(true)
  })

  it('that a service refuses early is renewed once, then not again for a minute', async () => {
    const { access } = await logIn(HOUR)
    const tokens = keeper()
    tokens.rejected(NAME, access)
    const renewed = await tokens.fresh(NAME)
    expect(renewed.access).not.toBe(access)
    tokens.rejected(NAME, renewed.access)
    expect((await tokens.fresh(NAME)).access).toBe(renewed.access)
    await clock.advance(61_000)
    tokens.rejected(NAME, renewed.access)
    expect((await tokens.fresh(NAME)).access).not.toBe(renewed.access)
    expect(server.asked).toHaveLength(2)
  })

  it('without a refresh token is used to its end and then says what to do', async () => {
    await logIn(1_000, NAME, { refresh: null, client: null })
    const tokens = keeper()
    expect((await tokens.fresh(NAME)).access).toMatch(/^at-/)
    await clock.advance(1_001)
    await expect(tokens.fresh(NAME)).rejects.toMatchObject({
      code: 'unauthorized',
      hint: `log in again: ./creel vault login ${NAME}`,
    })
  })

  it('asks in the form that its server wants', async () => {
    await logIn(0)
    await keeper().fresh(NAME)
    expect(server.form).toContain('urlencoded')
    await logIn(0, 'openai/json', { client: { tokenUrl: server.tokenUrl, clientId: 'x', body: 'json' } })
    await keeper().fresh('openai/json')
    expect(server.form).toContain('application/json')
  })
})

describe('a refused renewal', () => {
  it('marks the login as over, is asked for once, and leaves others alone', async () => {
    await logIn(0, NAME, { refresh: 'rt-unknown' })
    await logIn(0, 'openai/other')
    const tokens = keeper()
    for (let n = 0; n < 3; n++)
      await expect(tokens.fresh(NAME)).rejects.toMatchObject({ code: 'unauthorized' })
    expect(server.asked).toEqual(['refused'])
    expect((await stored()).dead?.reason).toContain('invalid_grant')
    expect(
      JSON.stringify(
        [await stored(), reports].map((x) => JSON.stringify(x).replace('"refresh":"rt-unknown"', '')),
      ),
    ).not.toContain('rt-unknown')
    expect((await tokens.fresh('openai/other')).access).toMatch(/^at-/)
    expect(reports[0]).toMatch(/^refused openai\/work/)
  })

  it('of all hundred that wait is told to each of them', async () => {
    await logIn(0, NAME, { refresh: 'rt-unknown' })
    const tokens = keeper()
    const all = await Promise.allSettled(Array.from({ length: 100 }, () => tokens.fresh(NAME)))
    expect(all.every(({ status }) => status === 'rejected')).toBe(true)
    expect(server.asked).toEqual(['refused'])
  })

  it('after a renewal that was cut off says that its tokens were lost', async () => {
    const login = await logIn(0)
    // Killed after the server answered: what was issued is nowhere, the intent is on disk.
    await new HttpTokenServer(clock).renew(login.client ?? raise(), login.refresh ?? raise())
    await vault.change(putSecret(NAME, { ...login, renewingSince: clock.now() }, clock.now()))
    await expect(keeper().fresh(NAME)).rejects.toThrow('was cut off before its answer was written')
    expect(server.reuses).toBe(1)
    expect((await stored()).dead?.reason).toContain('were lost')
  })

  it('is over as soon as somebody logs in again', async () => {
    await logIn(0, NAME, { refresh: 'rt-unknown' })
    const tokens = keeper()
    await expect(tokens.fresh(NAME)).rejects.toThrow('invalid_grant')
    const { access } = await logIn(HOUR)
    expect((await tokens.fresh(NAME)).access).toBe(access)
  })
})

describe('a renewal that does not work this time', () => {
  const faults: readonly (readonly [string, NonNullable<LoginServer['fault']>])[] = [
    ['status 503', (response) => response.writeHead(503).end('busy')],
    ['status 429', (response) => response.writeHead(429).end('{"error":"slow_down"}')],
    ['a cut connection', (response) => response.destroy()],
    ['an answer without a token', (response) => response.end('{}')],
    ['a redirect', (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()],
    ['an answer without end', (response) => response.end('x'.repeat(300_000))],
  ]

  it.each(faults)(
    '(%s) leaves the old token in use while it lasts, and waits before the next try',
    async (_, fault) => {
      const { access } = await logIn(10_000)
      const tokens = keeper()
      server.fault = fault
      expect((await tokens.fresh(NAME)).access).toBe(access)
      expect((await tokens.fresh(NAME)).access).toBe(access)
      expect(server.asked).toEqual(['failed'])
      await clock.advance(11_000)
      await expect(tokens.fresh(NAME)).rejects.toMatchObject({ code: 'unavailable' })
      expect((await stored()).dead).toBeNull()
      server.fault = null
      await clock.advance(60_000)
      expect((await tokens.fresh(NAME)).access).not.toBe(access)
      expect((await stored()).renewingSince).toBeNull()
    },
  )

  it('is not asked for at all where the answer could not be written', async () => {
    await logIn(0)
    vault.failing = new CreelError('unavailable', 'the disk is full')
    await expect(keeper().fresh(NAME)).rejects.toThrow('disk is full')
    expect(server.asked).toEqual([])
  })

  it('whose answer cannot be written is used all the same, and written when it can be', async () => {
    await logIn(0)
    const tokens = keeper()
    server.beforeAnswer = async () => {
      vault.failing = new CreelError('unavailable', 'the disk is full')
    }
    const asking = tokens.fresh(NAME)
    await expect.poll(() => reports.length).toBeGreaterThan(0)
    await clock.advance(2_000)
    const { access } = await asking
    vault.failing = null
    expect((await stored()).access).not.toBe(access)
    await clock.advance(2_000)
    expect((await tokens.fresh(NAME)).access).toBe(access)
    expect((await stored()).access).toBe(access)
    expect(server.asked).toEqual(['issued'])
  })

  it('does not overwrite a login that somebody made meanwhile', async () => {
    await logIn(0)
    const tokens = keeper()
    let mine: OAuthSecret | undefined
    server.beforeAnswer = async () => {
      mine = await logIn(HOUR)
    }
    await tokens.fresh(NAME)
    expect((await stored()).access).toBe(mine?.access)
    expect((await tokens.fresh(NAME)).access).toBe(mine?.access)
  })

  it('is waited for when the host ends', async () => {
    await logIn(0)
    const tokens = keeper()
    const asking = tokens.fresh(NAME)
    await expect.poll(() => server.asked).toEqual(['issued'])
    await tokens.settle()
    expect((await stored()).access).toBe((await asking).access)
  })
})

function raise(): never {
  throw new Error('missing')
}
