// The real policy, store, vault's secrets and log behind the real door: what a tool in a sandbox sees of them.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SqliteEgressLog } from '../../src/adapters/sqlite/egress-log-store.ts'
import { SqliteEgressRules } from '../../src/adapters/sqlite/egress-rule-store.ts'
import { GroupConfig } from '../../src/config/schema.ts'
import { denyRule, egressRule } from '../../src/domain/egress-rules.ts'
import { CreelError } from '../../src/domain/errors.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import { ONCE_MS } from '../../src/domain/ports/egress-rules.ts'
import { putSecret } from '../../src/domain/vault-edits.ts'
import { EgressBudget } from '../../src/egress/egress-budget.ts'
import { GroupEgressPolicy } from '../../src/egress/egress-policy.ts'
import { EgressRecorder } from '../../src/egress/egress-recorder.ts'
import { Credentials } from '../../src/secrets/credentials.ts'
import { FakeVault } from '../fakes/fake-vault.ts'
import { ALPHA, BETA, GatewayWorld } from '../rig/gateway-world.ts'
import { HostTables, silentLog } from '../rig/host-tables.ts'
import { ProxyClient } from '../rig/proxy-client.ts'
import { TestAuthority, TlsSite } from '../rig/tls-site.ts'

const HOST = 'api.example'
const TOKEN = 'ghp-real-token-0123456789'

const authority = new TestAuthority()
let site: TlsSite
let at: string
beforeAll(async () => {
  site = await TlsSite.make(authority, [HOST])
  at = `${HOST}:${site.port}`
})
afterAll(() => site[Symbol.asyncDispose]())

let tables: HostTables
let gateway: GatewayWorld
let rules: SqliteEgressRules
let log: SqliteEgressLog
let recorder: EgressRecorder
let vault: FakeVault
const configs = new Map<GroupName, object>()

beforeEach(async () => {
  configs.clear()
  tables = new HostTables()
  const { clock } = tables
  rules = new SqliteEgressRules(tables.db)
  log = new SqliteEgressLog(tables.db)
  vault = new FakeVault()
  const groups = { load: (group: GroupName) => GroupConfig.parse(configs.get(group) ?? {}) }
  const budget = new EgressBudget(log)
  recorder = new EgressRecorder({ store: log, budget, log: silentLog, clean: (text) => text })
  const refused = () => {
    throw new Error('no login here')
  }
  const report = { unusable: () => undefined, refused: () => undefined, noteFailed: () => undefined }
  const secrets = new Credentials({
    ...{ vault, groups, clock, report },
    keeper: { fresh: refused, rejected: refused },
    fileKeys: { anthropic: null, openai: null },
  })
  const policy = new GroupEgressPolicy({ groups, rules, toolServers: { of: () => [] }, vault, budget, clock })
  gateway = await GatewayWorld.make({
    trust: await authority.pem,
    real: { policy, audit: recorder, secrets, clock },
  })
  gateway.names.set(HOST, [{ address: '127.0.0.1', family: 4 }])
  site.reached.length = 0
  site.serve = (request, response) => response.end(`sent ${request.headers.authorization ?? 'nothing'}`)
})
afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  tables[Symbol.dispose]()
})

const tool = (group = ALPHA) => new ProxyClient(gateway.paths.gateway(group))
const by = { once: false, by: 'command line', expiresAt: null }

function allow(raw: unknown, more: { once?: boolean } = {}): number {
  return rules.add(
    { ...by, group: ALPHA, effect: 'allow', rule: egressRule(raw), ...more },
    tables.clock.now(),
  )
}

/** One request to the site as a client does that trusts `ca`. */
async function get(path: string, ca: string, group = ALPHA) {
  const socket = await tool(group).tls(at, { ca })
  try {
    return await tool(group).ask(socket, at, { path })
  } finally {
    socket.destroy()
  }
}

const lines = () => {
  recorder.write()
  return log
    .lines({}, 100)
    .map(({ group, outcome, method, path, reason }) => ({ group, outcome, method, path, reason }))
}

describe('a tool in a sandbox', () => {
  it('reaches nothing that nobody allowed, and its error says what to do', async () => {
    const { status, text } = await tool().connect(at)
    expect(status).toBe(403)
    expect(text).toContain(`no rule allows ${at}`)
    expect(text).toContain('request_egress')
    expect(gateway.lookedUp).toEqual([])
    expect(lines()).toMatchObject([{ group: ALPHA, outcome: 'denied', method: 'CONNECT' }])
    expect(site.reached).toEqual([])
  })

  it('reaches what the owner allows, at once and no longer than that; another group does not', async () => {
    const id = allow({ host: at, private: true })
    const ca = await authority.pem
    expect(await get('/a', ca)).toMatchObject({ status: 200, body: 'sent nothing' })
    await expect(get('/a', ca, BETA)).rejects.toThrow(/no rule allows/)
    rules.remove(id)
    await expect(get('/a', ca)).rejects.toThrow(/no rule allows/)
    rules.add({ ...by, group: null, effect: 'deny', rule: denyRule(HOST) }, tables.clock.now())
    allow({ host: at, private: true })
    const { text } = await tool().connect(at)
    expect(text).toContain('the owner denied api.example')
    expect(text).not.toContain('request_egress')
  })

  it('comes to no private address by a rule that does not say so', async () => {
    allow(at)
    expect((await tool().connect(at)).text).toContain('127.0.0.1, which is not a public address')
    expect(lines()).toMatchObject([
      { outcome: 'denied', reason: expect.stringContaining('not a public address') },
    ])
  })

  it('is read where a rule limits it', async () => {
    allow({ host: `${at}/public`, private: true, methods: ['GET'] })
    const ca = await gateway.authority.certificate()
    expect(await get('/public/a?secret=1', ca)).toMatchObject({ status: 200 })
    const refused = await get('/private', ca)
    expect(refused).toMatchObject({
      status: 403,
      body: expect.stringContaining('allowed there: GET api.example'),
    })
    expect(await get('/public/../private', ca)).toMatchObject({ status: 403 })
    expect(site.reached).toEqual(['GET /public/a?secret=1'])
    expect(
      lines()
        .map(({ outcome, path }) => `${outcome} ${path}`)
        .sort(),
    ).toEqual(['allowed /public/a', 'denied /private', 'denied /public/../private'])
  })

  it('is given the secret of its group there, without a rule but for the private address, and never sees it', async () => {
    const value = { kind: 'bearer', token: TOKEN, hosts: [at], paths: ['/repos'] } as const
    await vault.change(putSecret('github', { ...value, hosts: [...value.hosts], paths: [...value.paths] }, 0))
    configs.set(ALPHA, { secrets: ['github'], egress: [{ host: `${at}/repos`, private: true }] })
    const headers: (string | undefined)[] = []
    site.serve = (request, response) => {
      headers.push(request.headers.authorization)
      response.end(`sent ${request.headers.authorization}`)
    }
    const ca = await gateway.authority.certificate()
    const { status, body } = await get('/repos/x', ca)
    expect([status, headers]).toEqual([200, [`Bearer ${TOKEN}`]])
    expect(body).not.toContain(TOKEN)
    expect(await get('/user', ca)).toMatchObject({ status: 403 })
    await expect(get('/repos/x', ca, BETA)).rejects.toThrow(/no rule allows/)
    expect(JSON.stringify([lines(), log.totals({}, 10)])).not.toContain(TOKEN)
  })

  it('allowed once does one piece of work of many requests, and no second one', async () => {
    allow({ host: at, private: true }, { once: true })
    const ca = await authority.pem
    for (const path of ['/info/refs', '/git-upload-pack', '/objects']) await get(path, ca)
    tables.clock.set(tables.clock.now() + ONCE_MS)
    await expect(get('/info/refs', ca)).rejects.toThrow(/no rule allows/)
    expect(site.reached).toHaveLength(3)
  })

  it('that used up its bytes is turned away, and is not told to ask', async () => {
    configs.set(ALPHA, { egress: [{ host: at, private: true }], limits: { egress: { mb_per_hour: 1 } } })
    site.serve = (_, response) => response.end(Buffer.alloc(2_000_000))
    const ca = await authority.pem
    await get('/large', ca)
    // Bytes of a tunnel are known when it ends.
    await expect.poll(lines).toMatchObject([{ outcome: 'allowed', method: 'CONNECT' }])
    const { text } = await tool().connect(at)
    expect(text).toContain("this hour's 1 MB are used up (limits.egress.mb_per_hour)")
    expect(text).not.toContain('request_egress')
  })

  it('gets nowhere while the vault cannot be opened that its secrets are in', async () => {
    vault.failing = new CreelError('unavailable', 'no master key')
    configs.set(ALPHA, { secrets: ['github'], egress: [{ host: at, private: true }] })
    const { status, text } = await tool().connect(at)
    expect(status).toBe(503)
    expect(text).not.toContain('master key')
    expect(lines()).toMatchObject([{ outcome: 'failed', reason: expect.stringContaining('no master key') }])
  })
})
