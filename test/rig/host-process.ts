import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { callHost, NoHostError } from '../../src/adapters/control/client.ts'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { INSTALL_LABEL, PACKAGES_LABEL } from '../../src/adapters/docker/labels.ts'
import { ENGINE_SOCKET, testBaseImage } from '../docker/test-image.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const MAIN = join(PROJECT, 'src', 'main.ts')

export interface HostProcessOptions {
  /** Text of creel.toml. */
  readonly toml?: string
  readonly engineSocket?: string
  /** More variables for the program; `undefined` takes one away. */
  readonly env?: NodeJS.ProcessEnv
}

/** The real program as its own process, on a data directory of its own; it can be killed and started again. */
export class HostProcess implements AsyncDisposable {
  readonly folder: string
  readonly dataDir: string
  readonly groupsDir: string
  readonly tomlFile: string
  readonly socketPath: string
  readonly #env: NodeJS.ProcessEnv
  readonly #engineSocket: string
  #child: ChildProcess | null = null
  #output = ''
  readonly #lastWorks: (() => void)[] = []

  private constructor(folder: string, options: HostProcessOptions, base: string) {
    this.folder = folder
    this.dataDir = join(folder, 'data')
    this.socketPath = join(this.dataDir, 'control.sock')
    this.groupsDir = join(folder, 'groups')
    this.tomlFile = join(folder, 'creel.toml')
    this.#engineSocket = options.engineSocket ?? ENGINE_SOCKET
    mkdirSync(this.groupsDir)
    writeFileSync(this.tomlFile, options.toml ?? '')
    this.#env = {
      ...process.env,
      CREEL_CONFIG: this.tomlFile,
      CREEL_DATA_DIR: this.dataDir,
      CREEL_GROUPS_DIR: this.groupsDir,
      CREEL_ENGINE_SOCKET: this.#engineSocket,
      CREEL_BASE_IMAGE: base,
      CREEL_WEB_PORT: '0',
      ...options.env,
    }
  }

  static async make(options: HostProcessOptions = {}): Promise<HostProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'creel-host-'))
    return new HostProcess(folder, options, await testBaseImage())
  }

  /** Runs a command of the CLI and returns what it printed. Throws with its error text when it fails. */
  async creel(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], { env: this.#env })
    return stdout
  }

  /** Like creel, with something on its standard input. */
  async creelWithInput(input: string, ...args: string[]): Promise<string> {
    const running = promisify(execFile)(process.execPath, [MAIN, ...args], { env: this.#env })
    running.child.stdin?.end(input)
    return (await running).stdout
  }

  /** Like creel, for commands expected to fail: exit code and error text. */
  async creelFails(...args: string[]): Promise<{ code: number; stderr: string }> {
    try {
      await this.creel(...args)
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string }
      return { code, stderr }
    }
    throw new Error(`creel ${args.join(' ')} was expected to fail`)
  }

  /** Changes variables for what is started from now on. */
  env(change: NodeJS.ProcessEnv): void {
    Object.assign(this.#env, change)
  }

  /** Does this when the host has ended and before its folder is removed. */
  beforeRemoval(work: () => void): void {
    this.#lastWorks.push(work)
  }

  /** Asks the running host without a process of its own. */
  async call<T>(command: string, args: unknown = {}): Promise<T> {
    return (await callHost(this.socketPath, command, args)) as T
  }

  /** Starts the host and returns when it takes messages. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, 'serve'], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#output = ''
    child.stdout.on('data', (chunk) => this.#keep(chunk))
    child.stderr.on('data', (chunk) => this.#keep(chunk))
    for (let tries = 0; tries < 600; tries++) {
      if (child.exitCode !== null) throw new Error(`the host ended at once: ${this.#output}`)
      if (this.#output.includes('Creel is running')) return
      await sleep(50)
    }
    throw new Error(`the host did not start: ${this.#output}`)
  }

  /** What the host printed. */
  get output(): string {
    return this.#output
  }

  /** What the program is started with. */
  get environment(): Readonly<NodeJS.ProcessEnv> {
    return this.#env
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the host was not started')
    return pid
  }

  /** Waits until the host process has ended by itself. */
  async ended(): Promise<void> {
    await this.until('the host to end', () => this.#child?.exitCode !== null)
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** A polite stop; sandboxes go on. */
  async terminate(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Waits until a line of the log fits; `after` skips earlier lines. */
  async event(name: string, fits: (fields: Record<string, unknown>) => boolean = () => true): Promise<void> {
    await this.until(`event ${name}`, () =>
      this.log().some((fields) => fields.event === name && fits(fields)),
    )
  }

  log(): Record<string, unknown>[] {
    try {
      return readFileSync(join(this.dataDir, 'logs', 'host.log'), 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    }
  }

  async until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 90_000): Promise<void> {
    const deadline = Date.now() + limitMs
    while (!(await holds())) {
      if (Date.now() > deadline)
        throw new Error(`waited in vain for ${what}\n${this.#output}\n${this.#tail()}`)
      await sleep(25)
    }
  }

  /** Containers of this install, by group. */
  async containers(): Promise<{ id: string; group: string; state: string }[]> {
    const docker = engineClient(this.#engineSocket)
    const filters = { label: [`${INSTALL_LABEL}=${this.installId}`] }
    const list = await docker.listContainers({ all: true, filters })
    return list.map((c) => ({ id: c.Id, group: c.Labels['creel.group'] ?? '', state: c.State }))
  }

  /** Images that the containers of this install were made from. */
  async containerImages(): Promise<string[]> {
    const found = await this.containers()
    const docker = engineClient(this.#engineSocket)
    return Promise.all(found.map(async ({ id }) => (await docker.getContainer(id).inspect()).Config.Image))
  }

  get installId(): string {
    return readFileSync(join(this.dataDir, 'install-id'), 'utf8').trim()
  }

  /** Command lines of the processes in a container, one a line. */
  async processes(id: string): Promise<string> {
    const { Processes } = await engineClient(this.#engineSocket).getContainer(id).top()
    return (Processes as string[][]).map((columns) => columns.at(-1)).join('\n')
  }

  /** Memory limit of a container, in bytes. */
  async memoryLimit(id: string): Promise<number | undefined> {
    return (await engineClient(this.#engineSocket).getContainer(id).inspect()).HostConfig.Memory
  }

  async killContainer(group: string): Promise<void> {
    const found = (await this.containers()).find((container) => container.group === group)
    if (!found) throw new Error(`${group} has no container`)
    await engineClient(this.#engineSocket).getContainer(found.id).kill({ signal: 'SIGKILL' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) {
      try {
        await this.call('down')
        await this.until('the host to end', () => this.#child?.exitCode !== null, 30_000)
      } catch (error) {
        if (!(error instanceof NoHostError) && !(error instanceof Error)) throw error
        await this.kill()
      }
    }
    if (existsSync(join(this.dataDir, 'install-id'))) await this.#removeContainers()
    for (const work of this.#lastWorks.splice(0)) work()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #removeContainers(): Promise<void> {
    const docker = engineClient(this.#engineSocket)
    for (const { id } of await this.containers()) await docker.getContainer(id).remove({ force: true })
    const id = readFileSync(join(this.dataDir, 'install-id'), 'utf8').trim()
    const images = await docker.listImages({ filters: { label: [`${PACKAGES_LABEL}=${id}`] } })
    for (const { Id } of images) await docker.getImage(Id).remove({ force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    await gone
  }

  #keep(chunk: Buffer): void {
    this.#output = (this.#output + chunk.toString('utf8')).slice(-20_000)
  }

  #tail(): string {
    return this.log()
      .slice(-30)
      .map((line) => JSON.stringify(line))
      .join('\n')
  }
}
