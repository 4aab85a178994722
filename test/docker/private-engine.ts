import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { ENGINE_SOCKET } from './test-image.ts'

/** Null, or why an engine of one's own cannot be started here. */
export function whyNoPrivateEngine(): string | null {
  if (process.getuid?.() !== 0) return 'an engine of its own takes root'
  for (const program of ['dockerd', 'unshare', 'umount']) {
    if (spawnSync(program, ['--version']).status !== 0) return `there is no ${program}`
  }
  return null
}

/**
 * A dockerd that a test may kill. It has its own network namespace, or it would remove the bridge of the machine's
 * engine, and its own containerd namespace, should the machine's containerd be found.
 */
export class PrivateEngine implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-engine-'))
  readonly socketPath = join(this.folder, 'engine.sock')
  readonly #flags: readonly string[]
  #child: ChildProcess | null = null

  constructor(flags: readonly string[] = []) {
    this.#flags = flags
  }

  /** Returns when the engine answers. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'log'), 'a')
    const at = (name: string) => join(this.folder, name)
    const child = spawn(
      'unshare',
      [
        ...['-n', 'dockerd', '--bridge', 'none', '--iptables=false', '--ip-masq=false'],
        ...['--host', `unix://${this.socketPath}`, '--data-root', at('data'), '--exec-root', at('exec')],
        ...['--pidfile', at('pid'), '--containerd-namespace', 'creel-test'],
        ...['--containerd-plugins-namespace', 'creel-test-plugins', ...this.#flags],
      ],
      { stdio: ['ignore', log, log] },
    )
    closeSync(log)
    this.#child = child
    for (let tries = 0; tries < 1_200; tries++) {
      if (child.exitCode !== null) throw new Error(`dockerd ended: ${this.#log()}`)
      if (await this.#answers()) return
      await sleep(50)
    }
    throw new Error(`dockerd does not answer: ${this.#log()}`)
  }

  /** Brings an image over from the machine's engine. */
  async load(tag: string): Promise<void> {
    const docker = engineClient(this.socketPath)
    const answer = await docker.loadImage(await engineClient(ENGINE_SOCKET).getImage(tag).get())
    for await (const line of answer) if (String(line).includes('"error"')) throw new Error(String(line))
    await docker.getImage(tag).inspect()
  }

  /** kill -9; returns when it is gone. What runs in containers is not asked. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM')
    // Shims and what they hold outlive an engine that was killed; each names this folder in its command line.
    for (const pid of this.#leftProcesses()) killIfThere(pid)
    for (let tries = 0; this.#leftProcesses().length > 0 && tries < 200; tries++) await sleep(25)
    for (const path of this.#mounts()) execFileSync('umount', ['--lazy', path])
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #answers(): Promise<boolean> {
    try {
      await engineClient(this.socketPath).ping()
      return true
    } catch (error) {
      if (error instanceof Error) return false
      throw error
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    await gone
  }

  #leftProcesses(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((name) => commandLine(name).includes(`${this.folder}/`))
      .map(Number)
  }

  /** The deepest first. */
  #mounts(): string[] {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((path) => path.startsWith(`${this.folder}/`))
      .sort((a, b) => b.length - a.length)
  }

  #log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8').slice(-3_000)
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch (error) {
    // It ended while we looked.
    if (error instanceof Error) return ''
    throw error
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
