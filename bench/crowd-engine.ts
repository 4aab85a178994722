import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { UnixMs } from '../src/domain/ids.ts'
import type {
  EngineInfo,
  SandboxEngine,
  SandboxExit,
  SandboxHandle,
  SandboxSpec,
} from '../src/domain/ports/sandbox.ts'
import { specHash } from '../src/sandboxes/sandbox-spec.ts'
import type { CrowdOrder } from './crowd-main.ts'

/** An engine whose sandboxes are runners that share one process: the real mail, the real doorbell, no containers. */
export class CrowdEngine implements SandboxEngine, Disposable {
  readonly #crowd: ChildProcess
  readonly #handles = new Map<string, SandboxHandle>()
  readonly #ends = new Map<string, PromiseWithResolvers<SandboxExit>>()
  #count = 0

  constructor() {
    this.#crowd = fork(join(import.meta.dirname, 'crowd-main.ts'), { stdio: 'inherit' })
    this.#crowd.on('message', (message: { ended: string }) => this.#ended(message.ended))
  }

  async check(): Promise<EngineInfo> {
    return { version: 'crowd', apiVersion: 'none', warnings: [] }
  }

  async list(): Promise<readonly SandboxHandle[]> {
    return [...this.#handles.values()]
  }

  async start(spec: SandboxSpec): Promise<SandboxHandle> {
    const id = `crowd-${++this.#count}`
    const handle: SandboxHandle = {
      ...{ group: spec.group, id, state: 'running', protocol: spec.protocol },
      ...{ specHash: specHash(spec), startedAt: Date.now() as UnixMs },
    }
    this.#handles.set(id, handle)
    this.#ends.set(id, Promise.withResolvers())
    this.#order({ do: 'start', id, mounts: spec.mounts })
    return handle
  }

  /** Runners that share a process cannot be paused apart. */
  async pause(): Promise<void> {
    return
  }

  async unpause(): Promise<void> {
    return
  }

  async wait({ id }: SandboxHandle, signal: AbortSignal): Promise<SandboxExit | null> {
    const end = this.#ends.get(id)
    if (!end) return null
    const gaveUp = new Promise<null>((resolve) =>
      signal.addEventListener('abort', () => resolve(null), { once: true }),
    )
    return Promise.race([end.promise, gaveUp])
  }

  async destroy({ id }: SandboxHandle): Promise<void> {
    const end = this.#ends.get(id)
    if (!end) return
    this.#order({ do: 'stop', id })
    await end.promise
  }

  async logs(): Promise<string> {
    return ''
  }

  [Symbol.dispose](): void {
    this.#crowd.disconnect()
  }

  #order(order: CrowdOrder): void {
    this.#crowd.send(order)
  }

  #ended(id: string): void {
    this.#ends.get(id)?.resolve({ code: 0, oomKilled: false })
    this.#ends.delete(id)
    this.#handles.delete(id)
  }
}
