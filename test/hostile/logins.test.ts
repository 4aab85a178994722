import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { GATEWAY_FILE } from '@creel/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgeVault } from '../../src/adapters/age-vault/age-vault.ts'
import { MasterKeyFile } from '../../src/adapters/age-vault/master-key.ts'
import { putSecret } from '../../src/domain/vault-edits.ts'
import { whyNoEngine } from '../docker/test-image.ts'
import { HostProcess } from '../rig/host-process.ts'
import { LoginServer } from '../rig/login-server.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)

const AGENTS: Readonly<Record<string, object>> = {
  a1: { provider: 'demo', secrets: ['anthropic/work'] },
  a2: { provider: 'demo', secrets: ['anthropic/work'] },
  a3: { provider: 'demo', secrets: ['anthropic/work'] },
  a4: { provider: 'demo', secrets: ['anthropic/work'] },
  dead: { provider: 'demo', secrets: ['anthropic/dead'] },
  keyed: { provider: 'demo', secrets: ['openai/main'] },
  owner: { provider: 'demo' },
}

let host: HostProcess
let logins: LoginServer
let service: Server
let seen: IncomingMessage['headers'][]
let status: number

beforeAll(async () => {
  seen = []
  status = 200
  service = createServer((asked, response) => {
    seen.push(asked.headers)
    asked.resume()
    response.writeHead(status).end('{}')
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  logins = await LoginServer.make()
  host = await HostProcess.make()
  host.env({ CREEL_MASTER_KEY_FILE: join(host.folder, 'master.key') })
  const address = service.address()
  const port = address !== null && typeof address !== 'string' ? address.port : 0
  const url = `http://127.0.0.1:${port}`
  writeFileSync(
    host.tomlFile,
    `[models.anthropic]\nbase_url = "${url}"\n[models.openai]\nbase_url = "${url}"\n`,
  )
  for (const [name, container] of Object.entries(AGENTS)) {
    mkdirSync(join(host.groupsDir, name))
    writeFileSync(join(host.groupsDir, name, 'container.json'), JSON.stringify(container))
  }
  await host.creelWithInput('sk-key-number-one', 'vault', 'set', 'openai/main')
  await plant('anthropic/work', logins.logIn().refresh)
  await plant('anthropic/dead', 'rt-that-nobody-issued')
  await host.start()
  // Who has never had anything to do has no door; the first one that speaks here is the owner's chat.
  for (const agent of ['owner', ...Object.keys(AGENTS)]) {
    const person = new TerminalRig(host, agent)
    await person.say('hello')
    await person.answered('hello')
  }
})

afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await logins[Symbol.asyncDispose]()
  service.closeAllConnections()
  await new Promise((resolve) => service.close(resolve))
})

/** A login at its end. */
async function plant(name: string, refresh: string): Promise<void> {
  const now = Date.now()
  const vault = new AgeVault(
    join(host.dataDir, 'vault', 'vault.age'),
    new MasterKeyFile(join(host.folder, 'master.key')),
  )
  const client = { tokenUrl: logins.tokenUrl, clientId: 'creel-test', body: 'form' } as const
  await vault.change(
    putSecret(
      name,
      {
        kind: 'oauth',
        ...{ access: `at-old-of-${name}`, refresh, expiresAt: now, obtainedAt: now - 3_600_000, client },
        ...{ account: null, hosts: [], paths: [], renewingSince: null, dead: null },
      },
      now,
    ),
  )
}

/** One call of a model, as an agent's sandbox makes it. */
async function call(
  agent: string,
  path = '/anthropic/v1/messages',
): Promise<{ status?: number; body: string }> {
  const socketPath = join(host.dataDir, 'run', agent, GATEWAY_FILE)
  const asked = request({ socketPath, method: 'POST', path, agent: false })
  asked.end('{}')
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const body = await text(answer)
  return answer.statusCode === undefined ? { body } : { status: answer.statusCode, body }
}

describe('logins of a running host', () => {
  it('a hundred requests of four agents at its end renew a login once', async () => {
    const before = seen.length
    const agents = ['a1', 'a2', 'a3', 'a4']
    const all = await Promise.all(agents.flatMap((agent) => Array.from({ length: 25 }, () => call(agent))))
    expect(all.map((one) => one.status)).toEqual(Array.from({ length: 100 }, () => 200))
    expect(logins.asked).toEqual(['issued'])
    expect(logins.reuses).toBe(0)
    const sent = new Set(seen.slice(before).map(({ authorization }) => authorization))
    expect(sent.size).toBe(1)
    const [access = ''] = [...sent].map((value) => value?.replace('Bearer ', ''))
    expect(logins.isGood(access)).toBe(true)
  })

  it('a refused renewal is told to the owner in chat, once, and other agents go on', async () => {
    const refused = await Promise.all(Array.from({ length: 20 }, () => call('dead')))
    expect(new Set(refused.map((one) => one.status))).toEqual(new Set([503]))
    expect(refused[0]?.body).not.toContain('invalid_grant')
    expect(logins.asked).toEqual(['issued', 'refused'])
    expect((await call('a1')).status).toBe(200)
    expect((await call('keyed', '/openai/v1/responses')).status).toBe(200)
    const owner = new TerminalRig(host, 'owner')
    await owner.answered('creel vault login anthropic/dead')
    expect((await call('dead')).status).toBe(503)
    const told = (await owner.agentLines()).filter((line) => line.includes('anthropic/dead'))
    expect(told.filter((line) => line.includes('cannot be used any more'))).toHaveLength(1)
    expect(
      (await host.creel('vault', 'list')).split('\n').find((line) => line.startsWith('anthropic/dead')),
    ).toContain('over:')
  })

  it('a changed secret counts at once', async () => {
    await call('keyed', '/openai/v1/responses')
    expect(seen.at(-1)?.authorization).toBe('Bearer sk-key-number-one')
    await host.creelWithInput('sk-key-number-two', 'vault', 'set', 'openai/main')
    await call('keyed', '/openai/v1/responses')
    expect(seen.at(-1)?.authorization).toBe('Bearer sk-key-number-two')
    await host.creel('vault', 'remove', 'openai/main')
    expect((await call('keyed', '/openai/v1/responses')).status).toBe(503)
    await host.creelWithInput('sk-key-number-three', 'vault', 'set', 'openai/main')
  })

  it('a key that its service does not take is told to the owner', async () => {
    status = 401
    expect((await call('keyed', '/openai/v1/responses')).status).toBe(401)
    status = 200
    await new TerminalRig(host, 'owner').answered('does not take the secret')
  })

  it('the vault can be given another key meanwhile', async () => {
    await host.creel('vault', 'rotate')
    expect((await call('a1')).status).toBe(200)
    await host.kill()
    await host.start()
    await host.until('the door of a sandbox that was taken over', async () => {
      const answer = await call('a1').catch(() => null)
      return answer?.status === 200
    })
    expect(logins.reuses).toBe(0)
  })
})
