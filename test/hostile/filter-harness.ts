import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import Docker from 'dockerode'
import tar from 'tar-stream'
import { INSTALL_LABEL } from '../../src/socket-filter/policy.ts'
import { ENGINE_SOCKET } from '../docker/test-image.ts'

const MAIN = join(import.meta.dirname, '../../src/socket-filter/main.ts')

/** The real filter as its own process in front of the real engine, with folders and an install id of its own. */
export class FilterHarness {
  readonly engine = new Docker({ socketPath: ENGINE_SOCKET })
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'creel-filter-')))
  readonly data = join(this.dir, 'data')
  readonly groups = join(this.dir, 'groups')
  readonly socket = join(this.dir, 'docker.sock')
  readonly installId = `test-${randomBytes(8).toString('hex')}`
  readonly client = new Docker({ socketPath: this.socket })
  /** Runs `/bin/sh` and `/bin/sleep` of this machine, and nothing else. */
  readonly image = `creel-agent:${randomBytes(8).toString('hex')}`
  #process: ChildProcess | null = null
  #output = ''

  constructor() {
    mkdirSync(this.data)
    mkdirSync(this.groups)
  }

  /** Makes the folders that a sandbox of this group mounts. */
  makeFolders(group: string): void {
    const own = [`mail/${group}/in`, `mail/${group}/out`, `run/${group}`, `agents/${group}/home`]
    for (const path of [...own, `skills/${group}`]) mkdirSync(join(this.data, path), { recursive: true })
    for (const path of ['workspace', 'memory']) mkdirSync(join(this.groups, group, path), { recursive: true })
  }

  writeInstallId(): void {
    writeFileSync(join(this.data, 'install-id'), `${this.installId}\n`)
  }

  async importImage(): Promise<void> {
    const pack = tar.pack()
    for (const path of filesOf(['/bin/sh', '/bin/sleep']))
      pack.entry({ name: path.slice(1), mode: 0o755 }, readFileSync(path))
    pack.finalize()
    const [repo = '', tag = ''] = this.image.split(':')
    const stream = await this.engine.importImage(Readable.from(pack), { repo, tag })
    stream.resume()
    await once(stream, 'end')
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        CREEL_FILTER_LISTEN: this.socket,
        CREEL_FILTER_ENGINE: ENGINE_SOCKET,
        CREEL_FILTER_DATA: this.data,
        CREEL_FILTER_GROUPS: this.groups,
        CREEL_FILTER_DATA_SOURCE: this.data,
        CREEL_FILTER_GROUPS_SOURCE: this.groups,
      },
    })
    this.#process = child
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => (this.#output += String(chunk)))
    await this.logged('listening')
  }

  /** Resolves when the filter's log holds this text. Throws when it ended without. */
  async logged(text: string): Promise<void> {
    const child = this.#process
    while (!this.#output.includes(text)) {
      if (child === null || child.exitCode !== null) throw new Error(`the filter ended: ${this.#output}`)
      await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')])
    }
  }

  /** Everything of this install, seen from behind the filter. */
  async ownContainers(): Promise<Docker.ContainerInfo[]> {
    const filters = JSON.stringify({ label: [`${INSTALL_LABEL}=${this.installId}`] })
    return this.engine.listContainers({ all: true, filters })
  }

  /** Sends bytes as they are and returns the raw answer: what no well-behaved client would send. */
  async raw(text: string): Promise<string> {
    const socket = connect(this.socket)
    let answer = ''
    socket.on('data', (chunk) => (answer += String(chunk)))
    // The filter may hang up on what it refuses before all of it was sent.
    socket.on('error', (error) => (answer += `\n${error.message}`))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(text)
    socket.setTimeout(5000, () => socket.destroy())
    await closed
    return answer
  }

  async stop(): Promise<void> {
    for (const container of await this.ownContainers())
      await this.engine.getContainer(container.Id).remove({ force: true })
    await this.engine.getImage(this.image).remove({ force: true })
    if (this.#process !== null && this.#process.exitCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await exited
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** The programs and the libraries that they load, links resolved by their names. */
function filesOf(programs: readonly string[]): string[] {
  const files = new Set(programs)
  for (const program of programs)
    for (const [path] of execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/\/\S+/g))
      files.add(path)
  return [...files].filter((path) => existsSync(path) && dirname(path) !== '/')
}
