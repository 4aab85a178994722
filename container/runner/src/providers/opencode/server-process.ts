import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { Clock } from '../../clock.ts'
import { killTree, signalProcess } from '../../process-tree.ts'
import { TREE_MARK } from './server-settings.ts'

/** Half a CPU needs ten seconds. */
const START_MS = 60_000
const STOP_MS = 400
const MAX_TAIL = 2_000

export interface ServerCommand {
  readonly binary: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** The value of TREE_MARK in `env`. */
  readonly mark: string
  readonly clock: Clock
}

/** One `opencode serve`, in a process group of its own. */
export class ServerProcess {
  readonly url: string
  /** Resolves once, when the process has ended for any reason, with how. Never rejects. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  readonly #command: ServerCommand

  private constructor(child: ChildProcess, url: string, exited: Promise<string>, command: ServerCommand) {
    this.#child = child
    this.url = url
    this.exited = exited
    this.#command = command
    // Tools outlive their server, also when it died by itself.
    void exited.then(() => killTree(undefined, { name: TREE_MARK, value: command.mark }))
  }

  /** Starts it on a free port of the loopback and waits until it listens. Rejects with what it last wrote. */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    // Not `--port=0`: that is 4096 whenever it is free.
    const url = `http://127.0.0.1:${await freePort()}`
    const child = spawn(command.binary, ['serve', '--hostname=127.0.0.1', `--port=${new URL(url).port}`], {
      cwd: command.cwd,
      env: command.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let written = ''
    const ready = Promise.withResolvers<void>()
    const take = (chunk: Buffer) => {
      written = (written + chunk.toString('utf8')).slice(-MAX_TAIL)
      if (written.includes(`listening on ${url}`)) ready.resolve()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    const exited = new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(error.message))
      child.on('exit', (code, signal) => resolve(`exit ${code ?? signal}: ${written.trim()}`))
    })
    const server = new ServerProcess(child, url, exited, command)
    const timer = new AbortController()
    const late = command.clock.sleep(START_MS, timer.signal).then(() => `not listening after ${START_MS} ms`)
    late.catch(() => undefined)
    const failed = await Promise.race([ready.promise, exited, late])
    timer.abort()
    if (failed === undefined) return server
    await server.stop()
    throw new Error(`opencode did not start: ${failed}`)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Ends the server and everything it started. Idempotent; waits until the processes are gone. */
  async stop(): Promise<void> {
    const { clock, mark } = this.#command
    const pid = this.#child.pid
    if (pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      signalProcess(-pid, 'SIGTERM')
      const timer = new AbortController()
      const patience = clock.sleep(STOP_MS, timer.signal).catch(() => undefined)
      await Promise.race([this.exited, patience])
      timer.abort()
      signalProcess(-pid, 'SIGKILL')
    }
    killTree(undefined, { name: TREE_MARK, value: mark })
    if (pid !== undefined) await this.exited
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
