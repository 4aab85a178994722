import { createPrivateKey } from 'node:crypto'
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgeVault } from '../../src/adapters/age-vault/age-vault.ts'
import { MasterKeyFile } from '../../src/adapters/age-vault/master-key.ts'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { RUNTIMES } from '../../src/config/schema.ts'
import { findSecret, putSecret } from '../../src/domain/vault-edits.ts'
import { Paths } from '../../src/paths.ts'
import { ENGINE_SOCKET, testAgentImage, whyNoEngine } from '../docker/test-image.ts'
import { ModelServer } from '../providers/model-server.ts'
import { startBotApi } from '../rig/fake-bot-api.ts'
import { HostProcess } from '../rig/host-process.ts'
import { LoginServer } from '../rig/login-server.ts'
import { SecretSearch } from '../rig/secret-search.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)

const API_KEY = 'sk-planted-api-key-4f9d2c7b1a8e6035'
const SECOND_KEY = 'sk-planted-second-key-90ab12cd34ef56'
const BOT_TOKEN = '987654321:AAplantedBotTokenxXyYzZ0123456789'
const TOOL_TOKEN = 'ghp-planted-tool-token-aabbccddeeff0011'
/** A gigabyte and more is looked through, on a machine that may be busy. */
const SLOW_MS = 600_000
/** What is known to be in a sandbox: the search must find it, or it proves nothing. */
const CONTROL = 'control-mark-5c1e77d0b2'

const GROUPS: Readonly<Record<string, object>> = {
  claude: { provider: 'claude', model: 'claude-opus-5-5', secrets: ['anthropic/work', 'github'] },
  codex: { provider: 'codex', model: 'gpt-5.5' },
  opencode: {
    provider: 'opencode',
    model: 'anthropic/claude-sonnet-4-5',
    secrets: ['anthropic/second', 'github'],
  },
}

let host: HostProcess
let model: ModelServer
let logins: LoginServer
let bots: Awaited<ReturnType<typeof startBotApi>>
let keyFile: string
let search: SecretSearch
let control: SecretSearch
const said: string[] = []

beforeAll(async () => {
  await testAgentImage(RUNTIMES)
  model = await ModelServer.start()
  logins = await LoginServer.make()
  bots = await startBotApi()
  host = await HostProcess.make()
  keyFile = join(host.folder, 'keys', 'master.key')
  host.env({ CREEL_MASTER_KEY_FILE: keyFile })
  const service = (api: string) => `[models.${api}]\nbase_url = "${model.url}"\n`
  const bot = `[[telegram]]\ntoken_secret = "telegram/main"\napi_root = "${bots.url}"\n`
  writeFileSync(host.tomlFile, `${service('anthropic')}${service('openai')}${bot}`)
  for (const [name, container] of Object.entries(GROUPS)) {
    mkdirSync(join(host.groupsDir, name), { recursive: true })
    writeFileSync(join(host.groupsDir, name, 'container.json'), JSON.stringify(container))
    writeFileSync(join(host.groupsDir, name, 'AGENTS.md'), `Keep this in mind: ${CONTROL}`)
  }
  said.push(await host.creelWithInput(`${API_KEY}\n`, 'vault', 'set', 'openai/main'))
  said.push(await host.creelWithInput(SECOND_KEY, 'vault', 'set', 'anthropic/second'))
  said.push(await host.creelWithInput(BOT_TOKEN, 'vault', 'set', 'telegram/main'))
  said.push(await host.creelWithInput(TOOL_TOKEN, 'vault', 'set', 'github', '--host', 'api.github.com'))
  await plantLogin()
  await host.start()
})

afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await model[Symbol.asyncDispose]()
  await logins[Symbol.asyncDispose]()
  await bots.close()
})

/** A login at its end: its first use renews it, so that old and new tokens are searched for. */
async function plantLogin(): Promise<void> {
  const now = Date.now()
  await openVault().change(
    putSecret(
      'anthropic/work',
      {
        kind: 'oauth',
        ...logins.logIn(),
        expiresAt: now + 1_000,
        obtainedAt: now - 3_600_000,
        account: null,
        hosts: [],
        paths: [],
        client: { tokenUrl: logins.tokenUrl, clientId: 'creel-test', body: 'form' },
        renewingSince: null,
        dead: null,
      },
      now,
    ),
  )
}

function authorityFile(): string {
  return new Paths(host.dataDir, host.groupsDir).gatewayAuthority.key
}

/** The number that is the gateway's own key, and a line of its file that holds most of it. */
function authorityKey(): Readonly<Record<string, string | Buffer>> {
  const pem = readFileSync(authorityFile(), 'utf8')
  const number = Buffer.from(createPrivateKey(pem).export({ format: 'jwk' }).d ?? '', 'base64url')
  const line = pem.split('\n')[2] ?? ''
  if (line.length !== 64 || number.length !== 32) throw new Error('no key of the authority')
  return { 'authority key': number, 'authority key (its file)': line }
}

function openVault(): AgeVault {
  return new AgeVault(join(host.dataDir, 'vault', 'vault.age'), new MasterKeyFile(keyFile))
}

describe('planted secrets', { timeout: SLOW_MS }, () => {
  it('work: all three runtimes answer through the gateway, each with the credential of its group', async () => {
    for (const [n, group] of Object.keys(GROUPS).entries()) {
      const word = `ping-10${n}`
      const person = new TerminalRig(host, group)
      // The first call breaks and is repeated: its error must not hold anything either.
      model.fault(word, { status: 500 })
      await person.say(`${word} ${CONTROL}`)
      await person.answered(`heard ${word}`)
    }
    const sent = (group: string) =>
      model.calls().filter(({ headers }) => JSON.stringify(headers).includes(group))
    const login = findSecret(await openVault().read(), 'anthropic/work')?.value
    if (login?.kind !== 'oauth') throw new Error('no login')
    expect(logins.asked).toEqual(['issued'])
    expect(sent(login.access).length).toBeGreaterThan(0)
    expect(sent(API_KEY).length).toBeGreaterThan(0)
    expect(sent(SECOND_KEY).length).toBeGreaterThan(0)
    expect(bots.paths.some((path) => path.includes(BOT_TOKEN))).toBe(true)
    said.push(await host.creel('vault', 'list'), await host.creel('vault', 'list', '--json'))
    said.push(await host.creel('status'), await host.creel('logs'))
    said.push((await host.creelFails('vault', 'test', 'github')).stderr)
    said.push(
      await host
        .creel('vault', 'test', 'openai/main')
        .catch((error: { stderr?: string }) => error.stderr ?? ''),
    )

    const master = /^AGE-SECRET-KEY-1\S+$/m.exec(readFileSync(keyFile, 'utf8'))?.[0] ?? ''
    const tokens = Object.fromEntries(
      [...logins.pairs].flatMap(([access, refresh], n) => [
        [`access token ${n}`, access],
        [`refresh token ${n}`, refresh],
      ]),
    )
    expect(Object.keys(tokens)).toHaveLength(4)
    const keys = {
      'API key': API_KEY,
      'second key': SECOND_KEY,
      'bot token': BOT_TOKEN,
      'tool token': TOOL_TOKEN,
    }
    search = new SecretSearch({ ...keys, ...tokens, 'master key': master, ...authorityKey() })
    control = new SecretSearch({ control: CONTROL })
  })

  it('are in no file that the host wrote: data directory, mail, logs, vault, agents', () => {
    const places = [join(host.folder, 'keys'), authorityFile()]
    const files = search.tree(host.folder, 'host', (path) => places.includes(path))
    expect(files).toBeGreaterThan(10)
    const inPlace = new SecretSearch(authorityKey())
    inPlace.file(authorityFile(), 'its place')
    expect([...inPlace.found]).toEqual(['authority key (its file) in its place'])
    control.tree(join(host.dataDir, 'mail'), 'mail')
    expect([...search.found]).toEqual([])
    expect(control.found.size).toBeGreaterThan(0)
  })

  it('are in no backup, whatever of it is unpacked', async () => {
    const file = join(host.folder, 'backup.tar.gz')
    said.push(await host.creel('backup', file))
    const unpacked = () => createReadStream(file).pipe(createGunzip())
    await search.stream(unpacked(), 'backup')
    search.file(file, 'backup as it is')
    await control.stream(unpacked(), 'backup')
    expect([...search.found]).toEqual([])
    expect([...control.found]).toContain('control in backup')
  })

  it('are in nothing that was printed', () => {
    for (const text of [...said, host.output]) search.text(text, 'printed')
    expect(said.join().length).toBeGreaterThan(500)
    expect([...search.found]).toEqual([])
  })

  it('are not in what the engine knows of the sandboxes: settings, output, layers', async () => {
    const docker = engineClient(ENGINE_SOCKET)
    const containers = await host.containers()
    expect(containers.map(({ group }) => group).sort()).toEqual(['claude', 'codex', 'opencode'])
    const images = new Set<string>()
    for (const { id, group } of containers) {
      const container = docker.getContainer(id)
      const shown = await container.inspect()
      images.add(shown.Image)
      search.text(JSON.stringify(shown), `inspect ${group}`)
      search.text(String(await container.logs({ stdout: true, stderr: true })), `output of ${group}`)
      // Nothing can be written but what is mounted: the rest of its files are the image's.
      expect(shown.HostConfig.ReadonlyRootfs).toBe(true)
    }
    for (const image of images) {
      search.text(JSON.stringify(await docker.getImage(image).history()), 'history of the image')
      await search.stream(
        (await docker.getImage(image).get()) as AsyncIterable<Buffer>,
        'layers of the image',
      )
    }
    expect(search.bytes).toBeGreaterThan(1 << 30)
    expect([...search.found]).toEqual([])
  })

  it('are in no file that a sandbox can read, and in no process there: environment, arguments, memory', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can read the memory of another process')
    const docker = engineClient(ENGINE_SOCKET)
    let processes = 0
    for (const { id, group } of await host.containers()) {
      const { Processes } = (await docker.getContainer(id).top({ ps_args: '-eo pid' })) as {
        Processes: string[][]
      }
      const pids = Processes.map(([pid]) => Number(pid))
      const [first] = pids
      for (const folder of ['home/agent', 'workspace', 'memory', 'tmp', 'run/creel', 'mail'])
        search.tree(`/proc/${first}/root/${folder}`, `${group}: ${folder}`)
      for (const pid of pids) {
        processes++
        search.process(pid)
        control.process(pid)
      }
    }
    expect(processes).toBeGreaterThanOrEqual(6)
    expect([...search.found]).toEqual([])
    const inMemory = [...control.found].filter((place) => place.endsWith('memory'))
    expect(inMemory.length).toBeGreaterThanOrEqual(3)
  })
})
