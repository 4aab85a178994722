import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { ENGINE_SOCKET } from '../docker/test-image.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const POLL_MS = 500

/** The committed compose file, run from a copy of the project under a project name, port and image of its own. */
export class ComposeProject {
  readonly engine = engineClient(ENGINE_SOCKET)
  readonly name = `creeltest${randomBytes(4).toString('hex')}`
  readonly image = `creel-host-test:${this.name}`
  readonly dir = mkdtempSync(join(tmpdir(), 'creel-compose-'))
  readonly #program: string
  port = 0
  #base = ''

  /** `program` runs Compose: Debian's docker-compose, or Compose v2. */
  constructor(program: string) {
    this.#program = program
  }

  /** Copies what git would commit, finds a port, and makes the base image when it is missing (a minute, as root). */
  async prepare(): Promise<void> {
    const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT })
    for (const path of stdout.split('\0').filter((name) => name !== '')) {
      mkdirSync(dirname(join(this.dir, path)), { recursive: true })
      cpSync(join(ROOT, path), join(this.dir, path), { force: true, recursive: true })
    }
    const ca = process.env.NODE_EXTRA_CA_CERTS
    if (ca) writeFileSync(join(this.dir, 'setup/build-ca.crt'), readFileSync(ca))
    const base = await run('bash', [join(ROOT, 'setup/base-image.sh')], {
      maxBuffer: 1 << 24,
      env: { ...process.env, DOCKER_HOST: `unix://${ENGINE_SOCKET}` },
    })
    this.#base = base.stdout.trim().split('\n').at(-1) ?? ''
    this.port = await freePort()
  }

  async compose(...args: string[]): Promise<string> {
    const registry = await run('npm', ['config', 'get', 'registry'])
    const { stdout, stderr } = await run(this.#program, ['-p', this.name, ...args], {
      cwd: this.dir,
      maxBuffer: 1 << 26,
      env: {
        ...process.env,
        DOCKER_HOST: `unix://${ENGINE_SOCKET}`,
        CREEL_DOCKER_SOCKET: ENGINE_SOCKET,
        CREEL_BASE: this.#base,
        CREEL_IMAGE: this.image,
        CREEL_WEB_PORT: String(this.port),
        NPM_CONFIG_REGISTRY: registry.stdout.trim(),
        // Compose v2 would want BuildKit, which not every engine has.
        DOCKER_BUILDKIT: '0',
      },
    })
    return stdout + stderr
  }

  /** Text of the program's output up to now. */
  logs(service: string): Promise<string> {
    return this.compose('logs', '--no-color', service)
  }

  /** Runs a script of Node inside a service and returns what it printed. */
  node(service: string, script: string): Promise<string> {
    return this.compose('exec', '-T', service, 'node', '-e', script)
  }

  async container(service: string): Promise<Docker.ContainerInspectInfo> {
    const [found] = await this.containers({ 'com.docker.compose.service': service })
    if (found === undefined) throw new Error(`no container of the service ${service}`)
    return this.engine.getContainer(found.Id).inspect()
  }

  /** Null as long as it is not. Throws with the service's output when it has ended: it would not get better. */
  async isHealthy(service: string): Promise<true | null> {
    const { State, RestartCount } = await this.container(service)
    if (RestartCount > 0 || State.Status === 'exited')
      throw new Error(`${service} ended: ${(await this.logs(service)).slice(-4000)}`)
    return State.Health?.Status === 'healthy' ? true : null
  }

  async containers(labels: Record<string, string> = {}): Promise<Docker.ContainerInfo[]> {
    const label = Object.entries({ 'com.docker.compose.project': this.name, ...labels }).map((pair) =>
      pair.join('='),
    )
    return this.engine.listContainers({ all: true, filters: { label } })
  }

  async volumes(): Promise<string[]> {
    const filters = { label: [`com.docker.compose.project=${this.name}`] }
    return (await this.engine.listVolumes({ filters: JSON.stringify(filters) })).Volumes.map(
      (volume) => volume.Name,
    )
  }

  async networks(): Promise<string[]> {
    const filters = { label: [`com.docker.compose.project=${this.name}`] }
    return (await this.engine.listNetworks({ filters })).map((network) => network.Name)
  }

  /** The sandboxes of an install, seen from outside. */
  sandboxes(installId: string): Promise<Docker.ContainerInfo[]> {
    return this.engine.listContainers({ all: true, filters: { label: [`creel.install=${installId}`] } })
  }

  /** Whatever happened before: takes everything away. */
  async dispose(installId: string): Promise<void> {
    await this.compose('down', '-v', '--remove-orphans')
    if (installId !== '')
      for (const left of await this.sandboxes(installId))
        await this.engine.getContainer(left.Id).remove({ force: true })
    await this.engine.getImage(this.image).remove({ force: true })
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Asks again until the answer is there. Throws what `what` says when it is not within `withinMs`. */
export async function until<T>(what: string, withinMs: number, ask: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (performance.now() > end) throw new Error(`not within ${withinMs / 1000} s: ${what}`)
    await sleep(POLL_MS)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
