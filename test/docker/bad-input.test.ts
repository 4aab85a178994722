import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { HostProcess, type HostProcessOptions } from '../rig/host-process.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'
import { ENGINE_SOCKET, testAgentImage, testBaseImage, whyNoEngine } from './test-image.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

interface Status {
  readonly engineProblem: string | null
  readonly groups: readonly { group: string; problem: string | null; waiting: number }[]
}

const SORRY = 'This agent cannot work right now.'
const GOOD = { provider: 'demo' }

let host: HostProcess

async function make(options: HostProcessOptions = {}): Promise<void> {
  host = await HostProcess.make(options)
  await host.creel('group', 'add', 'main')
}

const times = (lines: readonly string[], part: string) => lines.filter((line) => line.includes(part)).length

/** Waits until `creel status` says something of a group. */
async function problemOf(group: string, part: string): Promise<string> {
  let problem: string | null | undefined
  await host.until(`a problem of ${group} with “${part}”`, async () => {
    const { groups } = await host.call<Status>('status')
    problem = groups.find((line) => line.group === group)?.problem
    return problem?.includes(part) ?? false
  })
  return problem ?? ''
}

/** What waited is answered once, and the chat heard of the trouble once. */
async function answeredOnce(terminal: TerminalRig, text: string): Promise<void> {
  await terminal.answered(`demo: ${text}`)
  await terminal.say('afterwards')
  await terminal.answered('demo: afterwards')
  const lines = await terminal.agentLines()
  expect([times(lines, `demo: ${text}`), times(lines, SORRY)]).toEqual([1, 1])
}

describe.skipIf(missing)('bad input', () => {
  beforeEach(async () => {
    await testAgentImage()
  })
  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  describe('container.json', () => {
    it.each([
      ['broken in its syntax', '{"provider": "demo",', 'not valid JSON'],
      ['with a wrong type', '{"limits": {"pids": "many"}}', 'limits.pids: expected number, got "many"'],
      ['with an unknown key', '{"provider": "demo", "modle": "x"}', 'modle: there is no such key'],
      ['with an unknown provider', '{"provider": "oracle"}', 'got "oracle"'],
    ])('%s stops that agent alone, until it is mended', async (_what, text, problem) => {
      await make()
      await host.creel('group', 'add', 'bad')
      const file = join(host.groupsDir, 'bad', 'container.json')
      writeFileSync(file, text)
      await host.start()
      const bad = new TerminalRig(host, 'bad')
      const good = new TerminalRig(host, 'main')
      await bad.say('waits')
      await bad.answered(SORRY)
      expect(await problemOf('bad', problem)).toContain(file)
      expect(await host.creel('status')).toContain(problem)
      await good.say('goes on')
      await good.answered('demo: goes on')
      writeFileSync(file, JSON.stringify(GOOD))
      await answeredOnce(bad, 'waits')
      const { groups } = await host.call<Status>('status')
      expect(groups).toMatchObject([{ problem: null, waiting: 0 }, { problem: null }])
    })
  })

  describe('the container engine', () => {
    it('that is not there: messages wait, status says why; when it comes they are answered once', async () => {
      const base = await testBaseImage()
      await make({ env: { CREEL_BASE_IMAGE: base, CREEL_ENGINE_SOCKET: '' } })
      const path = join(host.folder, 'engine.sock')
      writeFileSync(host.tomlFile, `[engine]\nsocket = ${JSON.stringify(path)}\n`)
      await host.start()
      const terminal = new TerminalRig(host, 'main')
      await terminal.say('waits')
      await terminal.answered(SORRY)
      const problem = await problemOf('main', 'the container engine does not answer')
      expect(problem).toContain('engine.socket in creel.toml')
      expect((await host.call<Status>('status')).engineProblem).toContain('does not answer')
      const doctor = await host.creelFails('doctor')
      expect(doctor.code).toBe(1)
      symlinkSync(ENGINE_SOCKET, path)
      await answeredOnce(terminal, 'waits')
    })

    it('that is too old is not used', async () => {
      const asked: string[] = []
      const old = createHttpServer((req, res) => {
        asked.push(`${req.method} ${req.url}`)
        const answers: Record<string, unknown> = {
          '/version': { Version: '1.12.6', ApiVersion: '1.24' },
          '/info': { OSType: 'linux' },
        }
        const path = (req.url ?? '').replace(/\?.*/, '')
        res.setHeader('content-type', 'application/json')
        res.end(JSON.stringify(answers[path] ?? []))
      })
      await make({ env: { CREEL_ENGINE_SOCKET: '' } })
      const path = join(host.folder, 'engine.sock')
      writeFileSync(host.tomlFile, `[engine]\nsocket = ${JSON.stringify(path)}\n`)
      await new Promise<void>((resolve) => old.listen(path, resolve))
      await host.start()
      const terminal = new TerminalRig(host, 'main')
      await terminal.say('waits')
      await terminal.answered(SORRY)
      const problem = await problemOf('main', 'speaks API 1.24, expected 1.41 or later')
      expect(problem).toContain('upgrade to Docker 20.10')
      expect(asked.filter((line) => line.startsWith('POST'))).toEqual([])
      old.closeAllConnections()
      await new Promise((resolve) => old.close(resolve))
      rmSync(path, { force: true })
      symlinkSync(ENGINE_SOCKET, path)
      await answeredOnce(terminal, 'waits')
    })

    it('without the base image: messages wait until it is there', async () => {
      const docker = engineClient(ENGINE_SOCKET)
      const repo = `creel-test-absent-${process.pid}`
      await make({ env: { CREEL_BASE_IMAGE: `${repo}:1` } })
      try {
        await host.start()
        const terminal = new TerminalRig(host, 'main')
        await terminal.say('waits')
        await terminal.answered(SORRY)
        expect(await problemOf('main', `the base image ${repo}:1 is not on the engine`)).toContain(
          './creel up',
        )
        await docker.getImage(await testBaseImage()).tag({ repo, tag: '1' })
        await answeredOnce(terminal, 'waits')
      } finally {
        const image = (await host.containerImages())[0]
        await host[Symbol.asyncDispose]()
        if (image) await docker.getImage(image).remove({ force: true })
        await docker.getImage(`${repo}:1`).remove().catch(ignoreAbsent)
      }
    })
  })

  describe('at the start', () => {
    it.each([
      ['= = no toml', 'line 1, column 1: not valid TOML'],
      ['log_level = "info"\nlog_level = "warn"', 'line 2, column 1: not valid TOML'],
      ['[web]\nport = "high"', 'web.port: expected number, got "high"'],
      ['[wbe]\nport = 1', 'wbe: there is no such key'],
      [
        'log_level = "loud"',
        'log_level: expected "trace" or "debug" or "info" or "warn" or "error", got "loud"',
      ],
      ['[[telegram]]\ntoken_file = "nowhere"', 'telegram[0].token_file: the file nowhere does not exist'],
    ])('creel.toml with %j is refused', async (toml, problem) => {
      await make()
      writeFileSync(host.tomlFile, toml)
      const { code, stderr } = await host.creelFails('serve')
      expect(code).toBe(1)
      expect(stderr).toContain(`creel: ${host.tomlFile}: `)
      expect(stderr).toContain(problem)
      expect(stderr).not.toContain('    at ')
    })

    it('a taken port is named, with the key that changes it; no process stays', async () => {
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      const { port } = other.address() as AddressInfo
      await make({ env: { CREEL_WEB_PORT: String(port) } })
      const { code, stderr } = await host.creelFails('serve')
      await new Promise((resolve) => other.close(resolve))
      expect(code).toBe(1)
      expect(stderr).toContain(`port ${port} on 127.0.0.1 is taken`)
      expect(stderr).toContain('web.port in creel.toml')
      // What was opened before is closed again: the next start finds nothing in its way.
      await host.start()
    })

    it('a second host is refused, and the first goes on', async () => {
      await make()
      await host.start()
      for (const command of ['serve', 'up']) {
        const { code, stderr } = await host.creelFails(command)
        expect(code).toBe(1)
        expect(stderr).toContain('Creel is already running here')
        expect(stderr).toContain('./creel down')
      }
      expect(await host.creel('chat', '-m', 'still there')).toContain('demo: still there')
    })

    it('data of a newer version is left alone', async () => {
      await make()
      const db = new Database(join(host.dataDir, 'host.db'))
      db.prepare("INSERT INTO migration (name, breaking) VALUES ('9999-future.sql', 1)").run()
      db.close()
      const { code, stderr } = await host.creelFails('serve')
      expect(code).toBe(1)
      expect(stderr).toContain(`${join(host.dataDir, 'host.db')}: made by a newer Creel`)
      expect(stderr).toContain('what to do: start the newer version again')
    })

    it('a damaged database is named', async () => {
      await make()
      for (const end of ['', '-wal', '-shm']) rmSync(join(host.dataDir, `host.db${end}`), { force: true })
      writeFileSync(
        join(host.dataDir, 'host.db'),
        'this is no database, but it is long enough for one '.repeat(200),
      )
      const { stderr } = await host.creelFails('serve')
      expect(stderr).toContain(`${join(host.dataDir, 'host.db')}: damaged`)
      expect(stderr).toContain('restore a backup')
    })

    it('a data directory that is a file is named', async () => {
      await make()
      const file = join(host.folder, 'a-file')
      writeFileSync(file, '')
      host.env({ CREEL_DATA_DIR: file })
      const { code, stderr } = await host.creelFails('serve')
      expect(code).toBe(1)
      expect(stderr).toContain(`data directory ${file} is not a directory`)
      expect(stderr).toContain('set data_dir')
    })
  })
})

/** The test that was to make it failed earlier, and says so itself. */
function ignoreAbsent(error: { statusCode?: number }): void {
  if (error.statusCode !== 404) throw error
}
