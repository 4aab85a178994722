import type { UnixMs } from '../src/domain/ids.ts'
import type {
  EngineInfo,
  SandboxEngine,
  SandboxExit,
  SandboxHandle,
  SandboxSpec,
} from '../src/domain/ports/sandbox.ts'
import { specHash } from '../src/sandboxes/sandbox-spec.ts'

/** Sandboxes that start at once and never do anything: what is left is the cost of the host itself. */
export class SleepingEngine implements SandboxEngine {
  readonly #handles = new Map<string, SandboxHandle>()

  async check(): Promise<EngineInfo> {
    return { version: 'none', apiVersion: 'none', warnings: [] }
  }

  async list(): Promise<readonly SandboxHandle[]> {
    return [...this.#handles.values()]
  }

  async start(spec: SandboxSpec): Promise<SandboxHandle> {
    const handle: SandboxHandle = {
      ...{ group: spec.group, id: `sleeping-${spec.group}`, state: 'running', protocol: spec.protocol },
      ...{ specHash: specHash(spec), startedAt: Date.now() as UnixMs },
    }
    this.#handles.set(handle.id, handle)
    return handle
  }

  async pause(handle: SandboxHandle): Promise<void> {
    this.#handles.set(handle.id, { ...handle, state: 'paused' })
  }

  async unpause(handle: SandboxHandle): Promise<void> {
    this.#handles.set(handle.id, { ...handle, state: 'running' })
  }

  async wait(_handle: SandboxHandle, signal: AbortSignal): Promise<SandboxExit | null> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
  }

  async destroy(handle: SandboxHandle): Promise<void> {
    this.#handles.delete(handle.id)
  }

  async logs(): Promise<string> {
    return ''
  }
}
