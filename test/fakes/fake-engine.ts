import { EngineUnavailableError } from '../../src/domain/errors.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { Clock } from '../../src/domain/ports/clock.ts'
import type {
  EngineInfo,
  SandboxEngine,
  SandboxExit,
  SandboxHandle,
  SandboxSpec,
  SandboxState,
  SpecHash,
} from '../../src/domain/ports/sandbox.ts'

/** What runs in a fake sandbox. `exited` may settle by itself; `stop` is called once, when it is destroyed. */
export interface FakeRunner {
  stop(): void | Promise<void>
  readonly exited?: Promise<SandboxExit>
}

export interface FakeEngineOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly specHash: SpecHash
  /** Runs a runner in this process as the "container". What it throws, start() throws. */
  readonly onStart?: (spec: SandboxSpec) => FakeRunner | Promise<FakeRunner>
}

type Method = 'check' | 'list' | 'start' | 'pause' | 'unpause' | 'wait' | 'destroy' | 'logs'

interface FakeSandbox {
  readonly id: string
  readonly spec: SandboxSpec
  readonly startedAt: UnixMs
  readonly runner: FakeRunner | undefined
  readonly ended: PromiseWithResolvers<SandboxExit | null>
  state: SandboxState
  exit: SandboxExit | undefined
  output: string
}

/**
 * An engine in memory. Strict: throws for a handle it never gave out and for overlapping calls for one group.
 * Several instances can share one `world`, as host processes one after another share an engine.
 */
export class FakeEngine implements SandboxEngine {
  /** Every call in order, `start garden`; for assertions. */
  readonly calls: string[] = []
  /** While true, every call throws EngineUnavailableError. */
  unavailable = false
  warnings: readonly string[] = []
  readonly #options: FakeEngineOptions
  readonly #world: FakeWorld
  readonly #failures = new Map<Method, Error[]>()
  readonly #busy = new Set<GroupName>()

  constructor(options: FakeEngineOptions, world = new FakeWorld()) {
    this.#options = options
    this.#world = world
  }

  /** The same engine seen by a host process that has been restarted. */
  restarted(): FakeEngine {
    return new FakeEngine(this.#options, this.#world)
  }

  /** The next call of `method` throws this, having done nothing. Several are thrown one after another. */
  failNext(method: Method, error: Error): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error])
  }

  /** The sandbox of a group exits by itself. Throws when there is none running. */
  exit(group: GroupName, exit: SandboxExit): void {
    const sandbox = this.#world.sandboxes.get(group)
    if (!sandbox || sandbox.exit)
      throw new Error(`fake engine: no running sandbox of ${group} that could exit`)
    end(sandbox, exit)
  }

  /** What logs() will show for a group. */
  print(group: GroupName, line: string): void {
    const sandbox = this.#world.sandboxes.get(group)
    if (!sandbox) throw new Error(`fake engine: no sandbox of ${group} that could print`)
    sandbox.output += `${line}\n`
  }

  async check(signal: AbortSignal): Promise<EngineInfo> {
    this.#enter('check', '', signal)
    return { version: 'fake', apiVersion: '1.41', warnings: this.warnings }
  }

  async list(signal: AbortSignal): Promise<readonly SandboxHandle[]> {
    this.#enter('list', '', signal)
    return [...this.#world.sandboxes.values()].map((sandbox) => this.#handle(sandbox))
  }

  async start(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxHandle> {
    this.#enter('start', spec.group, signal)
    return this.#alone(spec.group, async () => {
      await this.#discard(this.#world.sandboxes.get(spec.group))
      const sandbox: FakeSandbox = {
        id: `fake-${this.#world.nextId++}`,
        spec,
        startedAt: this.#options.clock.now(),
        runner: await this.#options.onStart?.(spec),
        ended: withResolvers(),
        state: 'running',
        exit: undefined,
        output: '',
      }
      this.#world.known.add(sandbox.id)
      this.#world.sandboxes.set(spec.group, sandbox)
      sandbox.runner?.exited?.then(
        (exit) => end(sandbox, exit),
        () => end(sandbox, { code: 1, oomKilled: false }),
      )
      return this.#handle(sandbox)
    })
  }

  async pause(handle: SandboxHandle): Promise<void> {
    this.#enter('pause', handle.group)
    await this.#alone(handle.group, async () => {
      const sandbox = this.#find(handle)
      if (sandbox?.state === 'running') sandbox.state = 'paused'
    })
  }

  async unpause(handle: SandboxHandle): Promise<void> {
    this.#enter('unpause', handle.group)
    await this.#alone(handle.group, async () => {
      const sandbox = this.#find(handle)
      if (sandbox?.state === 'paused') sandbox.state = 'running'
    })
  }

  async wait(handle: SandboxHandle, signal: AbortSignal): Promise<SandboxExit | null> {
    this.#enter('wait', handle.group, signal)
    const sandbox = this.#find(handle)
    if (!sandbox) return null
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      sandbox.ended.promise.then((exit) => {
        signal.removeEventListener('abort', abort)
        resolve(exit)
      }, reject)
    })
  }

  async destroy(handle: SandboxHandle, options: { graceMs: number }): Promise<void> {
    if (!(options.graceMs >= 0)) throw new Error(`fake engine: graceMs is ${options.graceMs}`)
    this.#enter('destroy', handle.group)
    await this.#alone(handle.group, () => this.#discard(this.#find(handle)))
  }

  async logs(handle: SandboxHandle, lines: number): Promise<string> {
    this.#enter('logs', handle.group)
    const kept =
      this.#find(handle)
        ?.output.split('\n')
        .slice(-lines - 1) ?? []
    return kept.join('\n')
  }

  #enter(method: Method, group: string, signal?: AbortSignal): void {
    this.calls.push(`${method} ${group}`.trim())
    signal?.throwIfAborted()
    if (this.unavailable) throw new EngineUnavailableError('the fake engine is unavailable')
    const failure = this.#failures.get(method)?.shift()
    if (failure) throw failure
  }

  async #alone<T>(group: GroupName, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(group)) throw new Error(`fake engine: overlapping calls for ${group}`)
    this.#busy.add(group)
    try {
      return await work()
    } finally {
      this.#busy.delete(group)
    }
  }

  #find(handle: SandboxHandle): FakeSandbox | undefined {
    if (!this.#world.known.has(handle.id)) throw new Error(`fake engine: never made a sandbox ${handle.id}`)
    const sandbox = this.#world.sandboxes.get(handle.group)
    return sandbox?.id === handle.id ? sandbox : undefined
  }

  async #discard(sandbox: FakeSandbox | undefined): Promise<void> {
    if (!sandbox) return
    this.#world.sandboxes.delete(sandbox.spec.group)
    await sandbox.runner?.stop()
    end(sandbox, { code: 143, oomKilled: false })
  }

  #handle(sandbox: FakeSandbox): SandboxHandle {
    return {
      group: sandbox.spec.group,
      id: sandbox.id,
      state: sandbox.state,
      protocol: sandbox.spec.protocol,
      specHash: this.#options.specHash(sandbox.spec),
      startedAt: sandbox.startedAt,
    }
  }
}

/** What outlives a host process. */
export class FakeWorld {
  readonly sandboxes = new Map<GroupName, FakeSandbox>()
  readonly known = new Set<string>()
  nextId = 1
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** The first end counts. */
function end(sandbox: FakeSandbox, exit: SandboxExit): void {
  if (sandbox.exit) return
  sandbox.exit = exit
  sandbox.state = 'exited'
  sandbox.ended.resolve(exit)
}
