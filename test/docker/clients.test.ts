// The clients that agents use, each as it comes, through the gateway: with a rule and a secret, and without a rule.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALLOWED_HOST, ClientsWorld, DENIED_HOST, TOKEN } from '../rig/clients-world.ts'
import { SecretSearch } from '../rig/secret-search.ts'
import { HELLO } from '../rig/tools-server.ts'
import { whyNoEngine } from './test-image.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

interface Client {
  readonly name: string
  /** What it is run with for an address. */
  readonly command: (url: (path: string) => string) => string
  /** A path that it asks for. */
  readonly path: string
  /** What it shows of a refusal; the host is in it or was in its command. Where it can be, so is who refused. */
  readonly refused: RegExp
}

/** Words behind the status of the proxy's answer. */
const PHRASE = 'Creel denied denied\\.test, ask with request_egress'

/** It has no sandbox of its own in there, and little shared memory. */
const BROWSER_FLAGS = '--headless --no-sandbox --disable-dev-shm-usage --enable-logging=stderr'

/** Nothing is told to any of them: what the sandbox gives everything has to be enough. */
const CLIENTS: readonly Client[] = [
  {
    name: 'curl',
    path: '/page/curl',
    command: (url) => `curl -sS ${url('/page/curl')}`,
    refused: /^exit 56\n.*CONNECT tunnel failed, response 403/,
  },
  {
    name: 'wget',
    path: '/page/wget',
    command: (url) => `wget -nv -O - ${url('/page/wget')}`,
    refused: new RegExp(`^exit 4\\n[\\s\\S]*${PHRASE}`),
  },
  {
    name: 'git clone',
    path: '/repo.git/info/refs',
    command: (url) => `cd $(mktemp -d) && git clone -q ${url('/repo.git')} clone && cat clone/README`,
    refused:
      /^exit 128\n[\s\S]*unable to access 'https:\/\/denied\.test:\d+\/repo\.git\/': CONNECT tunnel failed, response 403/,
  },
  {
    name: 'python urllib',
    path: '/page/python',
    command: (url) =>
      `python3 -c "import urllib.request as u; print(u.urlopen('${url('/page/python')}').read().decode())"`,
    refused: new RegExp(`^exit 1\\n[\\s\\S]*Tunnel connection failed: 403 ${PHRASE}`),
  },
  {
    name: 'node fetch',
    path: '/page/node',
    command: (url) => `node -e "fetch('${url('/page/node')}').then((r) => r.text()).then(console.log)"`,
    refused: /^exit 1\n[\s\S]*Proxy response \(403\)/,
  },
  {
    name: 'bun fetch',
    path: '/page/bun',
    command: (url) => `bun -e "console.log(await (await fetch('${url('/page/bun')}')).text())"`,
    refused: new RegExp(`^exit 1\\n[\\s\\S]*Proxy refused to open a tunnel: 403 ${PHRASE}`),
  },
  {
    name: 'npm install',
    path: '/npm/tiny/-/tiny-1.0.0.tgz',
    command: (url) =>
      `cd $(mktemp -d) && npm install --no-audit --no-fund --fetch-retries=0 --registry ${url('/npm/')} tiny && node -p "require('tiny')"`,
    refused: new RegExp(`^exit 1\\n[\\s\\S]*403 ${PHRASE} - GET https://denied\\.test:`),
  },
  {
    name: 'chromium',
    path: '/page/chromium',
    command: (url) => `chromium ${BROWSER_FLAGS} --dump-dom ${url('/page/chromium')}`,
    refused: /Page load failed: net::ERR_TUNNEL_CONNECTION_FAILED/,
  },
]

describe.skipIf(missing)('a client in a sandbox', () => {
  let world: ClientsWorld

  beforeAll(async () => {
    world = await ClientsWorld.make()
  })
  afterAll(() => world[Symbol.asyncDispose]())

  it.each(CLIENTS)(
    '$name reaches the host that a rule allows, with the secret that it never sees',
    async ({ command, path }) => {
      const said = await world.run(command((at) => world.url(ALLOWED_HOST, at)))
      expect(said).toContain(HELLO)
      expect(said).toMatch(/^exit 0\n/)
      const asked = world.server.seen.filter((seen) => seen.path === path)
      expect(asked.length).toBeGreaterThan(0)
      for (const { authorization, host } of asked) {
        expect(authorization).toBe(`Bearer ${TOKEN}`)
        expect(host).toBe(`${ALLOWED_HOST}:${world.server.port}`)
      }
    },
  )

  it.each(CLIENTS)(
    '$name shows that a host without a rule was refused, and nothing gets there',
    async ({ command, refused }) => {
      const before = world.server.seen.length
      const said = await world.run(command((at) => world.url(DENIED_HOST, at)))
      expect(said).toMatch(refused)
      expect(said).not.toContain(HELLO)
      expect(world.server.seen).toHaveLength(before)
      const denied = world.deniedLines().find(({ host }) => host === DENIED_HOST)
      expect(denied).toMatchObject({ port: world.server.port, method: 'CONNECT', status: 403 })
      expect(denied?.reason).toContain(DENIED_HOST)
    },
  )

  it('has the secret neither in a file that it can read nor in a process: environment, arguments, memory', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can read the memory of another process')
    const search = new SecretSearch({ token: TOKEN })
    const control = new SecretSearch({ 'the word of a command': 'a-word-that-is-there' })
    await world.run('echo a-word-that-is-there')
    const pids = await world.processes()
    expect(pids.length).toBeGreaterThan(0)
    for (const folder of ['home/agent', 'workspace', 'memory', 'tmp', 'run/creel', 'mail'])
      search.tree(`/proc/${pids[0]}/root/${folder}`, folder)
    for (const pid of pids) {
      search.process(pid)
      control.process(pid)
    }
    expect([...search.found]).toEqual([])
    expect(control.found.size).toBeGreaterThan(0)
  })
})
