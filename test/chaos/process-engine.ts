import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SandboxExit, SandboxHandle, SandboxSpec } from '../../src/domain/ports/sandbox.ts'
import type { ChaosRunnerSetup } from './chaos-runner.ts'
import { type Arm, type Provocation, provocationOf } from './crash-points.ts'
import type { Answer } from './json-server.ts'
import type { Programs } from './programs.ts'

interface Sandbox {
  readonly id: string
  readonly spec: SandboxSpec
  readonly specHash: string
  readonly startedAt: number
  readonly child: ChildProcess
  readonly arm: Arm | null
  readonly ended: Promise<SandboxExit>
  exit: SandboxExit | null
  paused: boolean
  output: string
}

export interface ProcessEngineOptions {
  readonly noteFile: string
  readonly mutation: string | null
  readonly programs: Programs
}

/** A wait is answered this often even when nothing ended, as a connection would not live for ever. */
const WAIT_MS = 2_000

/**
 * An engine whose sandboxes are plain processes: it outlives every host, as Docker does, starts in a fraction of the
 * time, and its runners die at named points. What a container adds is tested with the real engine.
 */
export class ProcessEngine {
  /** While true, no call is answered; what runs goes on. */
  down = false
  /** The next runners that are started get these, one each. */
  readonly arms: Arm[] = []
  readonly #sandboxes = new Map<string, Sandbox>()
  readonly #options: ProcessEngineOptions
  #count = 0

  constructor(options: ProcessEngineOptions) {
    this.#options = options
  }

  /** Answers a call of the host's client; null when it is none of its. */
  async call(path: string, body: Record<string, unknown>): Promise<Answer | null> {
    const method = /^\/engine\/(\w+)$/.exec(path)?.[1]
    if (method === undefined) return null
    if (this.down) return 'broken'
    const sandbox = [...this.#sandboxes.values()].find(({ id }) => id === body.id)
    switch (method) {
      case 'list':
        return done([...this.#sandboxes.values()].map(handleOf))
      case 'start':
        return done(await this.#start(body.spec as SandboxSpec, String(body.specHash)))
      case 'wait':
        if (!sandbox) return done(null)
        return done(await Promise.race([sandbox.ended, sleep(WAIT_MS, 'running')]))
      case 'pause':
      case 'unpause':
        if (sandbox && !sandbox.exit) signal(sandbox, method === 'pause' ? 'SIGSTOP' : 'SIGCONT')
        return done(null)
      case 'destroy':
        if (sandbox) await this.#destroy(sandbox, Number(body.graceMs))
        return done(null)
      default:
        return done(sandbox?.output ?? '')
    }
  }

  /** Whether a runner that will be started, or lives, is to die at a point that has to be provoked so. */
  awaits(provocation: Provocation): boolean {
    const living = [...this.#sandboxes.values()].filter(({ exit }) => exit === null)
    const arms = [...this.arms, ...living.flatMap(({ arm }) => arm ?? [])]
    return arms.some(({ point }) => provocationOf(point) === provocation)
  }

  /** Groups whose runner lives. */
  running(): readonly string[] {
    return [...this.#sandboxes].filter(([, { exit }]) => exit === null).map(([group]) => group)
  }

  /** kill -9, as the kernel does for lack of memory. False when there was nothing to kill. */
  kill(group: string): boolean {
    const sandbox = this.#sandboxes.get(group)
    return sandbox?.exit === null && sandbox.child.kill('SIGKILL')
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sandboxes.values()].map((sandbox) => this.#destroy(sandbox, 0)))
  }

  async #start(spec: SandboxSpec, hash: string): Promise<SandboxHandle> {
    const before = this.#sandboxes.get(spec.group)
    if (before) await this.#destroy(before, 0)
    const { noteFile, mutation, programs } = this.#options
    const arm = this.arms.shift() ?? null
    const setup: ChaosRunnerSetup = { mounts: spec.mounts, arm, noteFile, mutation }
    const child = spawn(process.execPath, [programs.runner, JSON.stringify(setup)], {
      env: { ...process.env, NODE_COMPILE_CACHE: programs.compileCache },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const sandbox: Sandbox = {
      ...{ id: `process-${++this.#count}`, spec, specHash: hash, startedAt: Date.now(), child, arm },
      ...{ exit: null, paused: false, output: '' },
      ended: new Promise((resolve) => {
        child.once('exit', (code, name) => {
          sandbox.exit = { code: code ?? (name === 'SIGKILL' ? 137 : 143), oomKilled: false }
          resolve(sandbox.exit)
        })
      }),
    }
    child.stderr?.on('data', (chunk) => {
      sandbox.output = (sandbox.output + String(chunk)).slice(-20_000)
    })
    this.#sandboxes.set(spec.group, sandbox)
    return handleOf(sandbox)
  }

  async #destroy(sandbox: Sandbox, graceMs: number): Promise<void> {
    if (!sandbox.exit) {
      signal(sandbox, 'SIGCONT')
      if (graceMs > 0) sandbox.child.kill('SIGTERM')
      await Promise.race([sandbox.ended, sleep(graceMs)])
      if (!sandbox.exit) sandbox.child.kill('SIGKILL')
      await sandbox.ended
    }
    if (this.#sandboxes.get(sandbox.spec.group) === sandbox) this.#sandboxes.delete(sandbox.spec.group)
  }
}

function signal(sandbox: Sandbox, name: 'SIGSTOP' | 'SIGCONT'): void {
  sandbox.child.kill(name)
  sandbox.paused = name === 'SIGSTOP'
}

function handleOf(sandbox: Sandbox): SandboxHandle {
  const { id, spec, startedAt, exit, paused } = sandbox
  return {
    ...{ group: spec.group, id, protocol: spec.protocol, specHash: sandbox.specHash },
    startedAt: startedAt as SandboxHandle['startedAt'],
    state: exit ? 'exited' : paused ? 'paused' : 'running',
  }
}

function done(body: unknown): Answer {
  return { status: 200, body: { result: body ?? null } }
}
