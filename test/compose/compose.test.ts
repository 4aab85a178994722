import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINE_SOCKET } from '../docker/test-image.ts'
import { ComposeProject, until } from './compose-project.ts'
import { composeV2 } from './compose-v2.ts'
import { WebClient } from './web-client.ts'

const MINUTE = 60_000
const missing = whatIsMissing()
if (missing !== null) console.log(`skipped: compose tests: ${missing}`)
const second = missing === null ? composeV2() : { missing }
if ('missing' in second) console.log(`skipped: tests with Compose v2: ${second.missing}`)
const programs = [
  { name: 'docker-compose 1.29', program: 'docker-compose' },
  ...('path' in second ? [{ name: 'Compose v2', program: second.path }] : []),
]

describe.skipIf(missing !== null).each(programs)(
  'docker-compose.yml as it stands, with $name',
  ({ program }) => {
    const project = new ComposeProject(program)
    let installId = ''
    let web: WebClient
    let agent = ''

    beforeAll(async () => {
      await project.prepare()
      await project.compose('up', '-d', '--build')
    }, 10 * MINUTE)

    afterAll(() => project.dispose(installId), 5 * MINUTE)

    test(
      'both services become healthy and the page answers',
      async () => {
        for (const service of ['filter', 'creel'])
          await until(`${service} is healthy`, 3 * MINUTE, () => project.isHealthy(service))
        const health = await fetch(`http://127.0.0.1:${project.port}/healthz`)
        expect(health.status).toBe(200)
        installId = (
          await project.node(
            'creel',
            `process.stdout.write(require('fs').readFileSync('/data/install-id','utf8'))`,
          )
        ).trim()
        expect(installId).toMatch(/^[A-Za-z0-9-]{8,64}$/)
      },
      10 * MINUTE,
    )

    test('the host is confined: no root, no capability, no engine but through the filter', async () => {
      const host = await project.container('creel')
      expect(host.Config.User).toBe('1000:1000')
      expect(host.HostConfig).toMatchObject({ CapDrop: ['ALL'], Privileged: false, ReadonlyRootfs: true })
      expect(host.HostConfig.SecurityOpt).toContain('no-new-privileges:true')
      expect(host.Mounts.map((mount) => mount.Destination).sort()).toEqual([
        '/data',
        '/engine',
        '/groups',
        '/keys',
      ])
      const filter = await project.container('filter')
      expect(filter.HostConfig).toMatchObject({ CapDrop: ['ALL'], NetworkMode: 'none', ReadonlyRootfs: true })
      expect(filter.NetworkSettings.Ports).toEqual({})
    })

    test('the vault lies with the data, its master key in a volume of its own', async () => {
      const set = `
        const { execFileSync } = require('child_process'), { statSync } = require('fs')
        execFileSync('node', ['src/main.ts', 'vault', 'set', 'anthropic/main'], { input: 'sk-of-compose', cwd: '/app' })
        const mode = (path) => (statSync(path).mode & 0o777).toString(8)
        console.log(mode('/keys/master.key'), mode('/data/vault/vault.age'))`
      expect((await project.node('creel', set)).trim()).toBe('600 600')
      const filter = await project.container('filter')
      expect(filter.Mounts.map((mount) => mount.Destination)).not.toContain('/keys')
    })

    test('what a broken-into host tries at the engine is refused', async () => {
      const attempts = `
      const http = require('http')
      const ask = (method, path, body) => new Promise((resolve, reject) => {
        const call = http.request({ socketPath: '/engine/docker.sock', method, path }, (answer) => {
          answer.resume(); answer.on('end', () => resolve(answer.statusCode))
        })
        call.on('error', reject); call.end(body)
      })
      ;(async () => console.log(JSON.stringify([
        await ask('POST', '/containers/create?name=creel-evil', JSON.stringify({ Image: 'creel-host', HostConfig: { Privileged: true, Binds: ['/:/host'] } })),
        await ask('GET', '/images/json'),
        await ask('POST', '/containers/${(await project.container('filter')).Id}/stop'),
        await ask('POST', '/containers/${(await project.container('filter')).Id}/exec'),
        await ask('GET', '/_ping'),
      ])))()`
      const printed = await project.node('creel', attempts)
      expect(JSON.parse(printed)).toEqual([403, 403, 403, 403, 200])
      expect(await project.logs('filter')).toContain('denied')
    })

    test(
      'a message gets its answer from an agent in a container beside the host',
      async () => {
        web = new WebClient(`http://127.0.0.1:${project.port}`)
        const link = await until('the log shows the login link', MINUTE, async () => {
          const found = /http:\/\/127\.0\.0\.1:\d+\/login\?token=[A-Za-z0-9_-]+/.exec(
            await project.logs('creel'),
          )
          return found?.[0] ?? null
        })
        await web.login(link)
        agent = await until('there is an agent', MINUTE, async () => (await web.agents())[0]?.name ?? null)
        await web.send(agent, 'hello from the compose test')
        const reply = (text: string) =>
          text.split('\n').some((line) => line.startsWith('data:') && /"agent"/.test(line))
        const events = await web.eventsUntil(agent, reply, AbortSignal.timeout(2 * MINUTE))
        expect(events).toContain('hello from the compose test')

        const [sandbox, ...more] = await project.sandboxes(installId)
        expect(more).toEqual([])
        const seen = await project.engine.getContainer(sandbox?.Id ?? '').inspect()
        expect(seen.Config.User).toBe('10001:10001')
        expect(seen.HostConfig).toMatchObject({ NetworkMode: 'none', CapDrop: ['ALL'], ReadonlyRootfs: true })
      },
      5 * MINUTE,
    )

    test(
      'after a restart of both services the conversation goes on',
      async () => {
        await project.compose('restart')
        await until('the page answers again', 2 * MINUTE, async () => (await isUp(project.port)) || null)
        await web.send(agent, 'a second message')
        const replies = (text: string) =>
          text.split('\n').filter((line) => line.startsWith('data:') && /"agent"/.test(line))
        const events = await web.eventsUntil(
          agent,
          (text) => replies(text).length >= 2,
          AbortSignal.timeout(2 * MINUTE),
        )
        expect(replies(events).length).toBeGreaterThanOrEqual(2)
      },
      5 * MINUTE,
    )

    test('down leaves nothing behind', async () => {
      await project.compose('down', '-v')
      expect(await project.containers()).toEqual([])
      expect(await project.volumes()).toEqual([])
      expect(await project.networks()).toEqual([])
      expect(await project.sandboxes(installId)).toEqual([])
    })
  },
)

async function isUp(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

function whatIsMissing(): string | null {
  if (!existsSync(ENGINE_SOCKET)) return `no container engine at ${ENGINE_SOCKET}`
  if (spawnSync('docker-compose', ['version']).status !== 0)
    return 'no docker-compose (apt install docker-compose)'
  if (!existsSync(join(import.meta.dirname, '../../src/main.ts'))) return 'src/main.ts does not exist'
  return null
}
