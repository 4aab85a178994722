import { EngineUnavailableError, errorText } from '../../src/domain/errors.ts'
import type {
  EngineInfo,
  SandboxEngine,
  SandboxExit,
  SandboxHandle,
  SandboxSpec,
} from '../../src/domain/ports/sandbox.ts'
import { specHash } from '../../src/sandboxes/sandbox-spec.ts'

/** The host's end of the ProcessEngine. */
export class ProcessEngineClient implements SandboxEngine {
  readonly #url: string

  constructor(worldUrl: string) {
    this.#url = `${worldUrl}/engine`
  }

  async check(signal: AbortSignal): Promise<EngineInfo> {
    await this.#call('list', {}, signal)
    return { version: 'processes', apiVersion: '1.41', warnings: [] }
  }

  async list(signal: AbortSignal): Promise<readonly SandboxHandle[]> {
    return (await this.#call('list', {}, signal)) as SandboxHandle[]
  }

  async start(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxHandle> {
    return (await this.#call('start', { spec, specHash: specHash(spec) }, signal)) as SandboxHandle
  }

  async pause({ id }: SandboxHandle): Promise<void> {
    await this.#call('pause', { id })
  }

  async unpause({ id }: SandboxHandle): Promise<void> {
    await this.#call('unpause', { id })
  }

  async wait({ id }: SandboxHandle, signal: AbortSignal): Promise<SandboxExit | null> {
    for (;;) {
      const end = (await this.#call('wait', { id }, signal)) as SandboxExit | null | 'running'
      if (end !== 'running') return end
    }
  }

  async destroy({ id }: SandboxHandle, { graceMs }: { graceMs: number }): Promise<void> {
    await this.#call('destroy', { id, graceMs })
  }

  async logs({ id }: SandboxHandle): Promise<string> {
    return (await this.#call('logs', { id })) as string
  }

  async #call(method: string, body: object, signal?: AbortSignal): Promise<unknown> {
    try {
      const response = await fetch(`${this.#url}/${method}`, {
        method: 'POST',
        body: JSON.stringify(body),
        ...(signal ? { signal } : {}),
      })
      return ((await response.json()) as { result: unknown }).result
    } catch (error) {
      signal?.throwIfAborted()
      throw new EngineUnavailableError(`the engine does not answer: ${errorText(error)}`)
    }
  }
}
