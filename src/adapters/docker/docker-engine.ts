import type Docker from 'dockerode'
import { CreelError } from '../../domain/errors.ts'
import type { Clock } from '../../domain/ports/clock.ts'
import type {
  EngineInfo,
  SandboxEngine,
  SandboxExit,
  SandboxHandle,
  SandboxSpec,
  SpecHash,
} from '../../domain/ports/sandbox.ts'
import { createBody } from './convert.ts'
import { endlessEngineCall, engineCall, engineClient, withPatience } from './engine-client.ts'
import { engineStatus, ignoreNotFound, ignoreStatus } from './engine-errors.ts'
import { type EngineFacts, type EngineVersion, judgeEngine } from './engine-info.ts'
import { handleOf, INSTALL_LABEL, type Labels, sandboxLabels, sandboxName } from './labels.ts'
import { logText } from './log-frames.ts'
import { type EnginePath, findEnginePath, readMountinfo } from './self.ts'
import { diedOfMemory, waitForExit } from './wait-exit.ts'

export interface DockerEngineOptions {
  /** Unix socket of the engine, see engineSocket(). */
  readonly socketPath: string
  /** Marks everything of this install; other installs on the same engine have another. */
  readonly installId: string
  readonly specHash: SpecHash
  readonly clock: Clock
  /** The runtime that specs will name, so that check() can tell when the engine lacks it. */
  readonly runtime?: string
  /** Text of /proc/self/mountinfo; for tests. */
  readonly mountinfo?: () => Promise<string>
}

/** An engine goes on making a container whose maker hung up: given up sooner, it would appear after it was looked for. */
const CREATE_PATIENCE_MS = 5_000
const NO_TAG_HINT = 'run ./creel up again: it makes missing images'

/** Sandboxes as containers of a Docker-compatible engine. Keeps no state but the translation of paths. */
export class DockerEngine implements SandboxEngine {
  readonly #docker: Docker
  readonly #options: DockerEngineOptions
  #enginePath: Promise<EnginePath> | undefined

  constructor(options: DockerEngineOptions) {
    this.#options = options
    this.#docker = engineClient(options.socketPath)
  }

  async check(signal: AbortSignal): Promise<EngineInfo> {
    return engineCall('ask the engine what it is', { signal, answerMs: 10_000 }, async () => {
      const [version, facts]: [EngineVersion, EngineFacts] = await Promise.all([
        this.#docker.version(),
        this.#docker.info(),
      ])
      return judgeEngine(version, facts, this.#options.runtime)
    })
  }

  async list(signal: AbortSignal): Promise<readonly SandboxHandle[]> {
    const filters = { label: [`${INSTALL_LABEL}=${this.#options.installId}`] }
    const containers = await engineCall('list sandboxes', { signal }, (abortSignal) =>
      this.#docker.listContainers({ all: true, filters, abortSignal }),
    )
    return containers.map(handleOf).filter((handle) => handle !== null)
  }

  /**
   * Two round trips, create and start, unless a leftover holds the name. `startedAt` is by our clock here and the
   * time of creation by the engine's clock in list().
   */
  async start(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxHandle> {
    const { installId, specHash, clock } = this.#options
    const name = sandboxName(installId, spec.group)
    const hash = specHash(spec)
    signal.throwIfAborted()
    const body = createBody(spec, sandboxLabels(spec, installId, hash), await this.#pathTranslation())
    try {
      const id = await this.#create(name, body, signal)
      await engineCall(`start the sandbox of ${spec.group}`, { signal }, (abortSignal) =>
        this.#docker.getContainer(id).start({ abortSignal }),
      )
      const { group, protocol } = spec
      return { group, id, state: 'running', protocol, specHash: hash, startedAt: clock.now() }
    } catch (error) {
      // By name: an aborted create may have been carried out without telling its id.
      await this.#cleanUp(name)
      throw error
    }
  }

  async pause(handle: SandboxHandle): Promise<void> {
    // 409: paused already, or not running any more, which wait() tells.
    await engineCall('pause a sandbox', {}, (abortSignal) =>
      ignoreStatus([404, 409], this.#docker.getContainer(handle.id).pause({ abortSignal })),
    )
  }

  async unpause(handle: SandboxHandle): Promise<void> {
    const container = this.#docker.getContainer(handle.id)
    await engineCall('unpause a sandbox', {}, async (abortSignal) => {
      try {
        await ignoreStatus([404, 409], container.unpause({ abortSignal }))
      } catch (error) {
        // Docker says 500 for "is not paused" too.
        if (engineStatus(error) !== 500) throw error
        const state = await ignoreNotFound(container.inspect({ abortSignal }))
        if (state?.State.Paused) throw error
      }
    })
  }

  async wait(handle: SandboxHandle, signal: AbortSignal): Promise<SandboxExit | null> {
    const container = this.#docker.getContainer(handle.id)
    const code = await endlessEngineCall('await a sandbox', signal, (abortSignal) =>
      ignoreNotFound(waitForExit(this.#docker, handle.id, 'not-running', abortSignal)),
    )
    if (code === undefined) return null
    return engineCall('look at a sandbox', { signal }, async (abortSignal) => {
      const end = await ignoreNotFound(container.inspect({ abortSignal }))
      if (!end) return { code, oomKilled: false }
      const ended = { id: handle.id, code, state: end.State }
      return { code, oomKilled: await diedOfMemory(this.#docker, ended, abortSignal) }
    })
  }

  /** `graceMs` is rounded up to whole seconds; 0 kills at once. */
  async destroy(handle: SandboxHandle, options: { graceMs: number }): Promise<void> {
    const container = this.#docker.getContainer(handle.id)
    const seconds = Math.ceil(options.graceMs / 1000)
    if (seconds > 0) {
      await engineCall('stop a sandbox', { answerMs: options.graceMs + 60_000 }, (abortSignal) =>
        ignoreStatus([304, 404], container.stop({ t: seconds, abortSignal })),
      )
    }
    await this.#remove(handle.id)
  }

  async logs(handle: SandboxHandle, lines: number): Promise<string> {
    const tail = Math.min(Math.max(Math.trunc(lines), 1), 1000)
    const frames = await engineCall('read the log of a sandbox', {}, (abortSignal) =>
      ignoreNotFound(
        this.#docker.getContainer(handle.id).logs({ stdout: true, stderr: true, tail, abortSignal }),
      ),
    )
    return frames ? logText(frames) : ''
  }

  async #create(name: string, body: ReturnType<typeof createBody>, signal: AbortSignal): Promise<string> {
    const create = () =>
      withPatience(signal, CREATE_PATIENCE_MS, (patient) =>
        engineCall('create a sandbox', { signal: patient }, async (abortSignal) => {
          // In the body alone: dockerode would repeat every option in the URL, where proxies log it.
          const options = { _query: { name }, _body: body, abortSignal }
          return (await this.#docker.createContainer(options)).id
        }),
      )
    try {
      return await create()
    } catch (error) {
      if (!(error instanceof CreelError)) throw error
      if (error.code === 'not_found') {
        const message = `the image ${body.Image} is not on the engine`
        throw new CreelError('not_found', message, { hint: NO_TAG_HINT, cause: error })
      }
      if (error.code !== 'conflict') throw error
    }
    if ((await this.#removeOwn(name)) === 'foreign') {
      throw new CreelError('conflict', `the engine has a container ${name} that is not of this install`, {
        hint: `look at it (docker inspect ${name}) and remove or rename it`,
      })
    }
    return create()
  }

  /** Removes the container of this name when it carries our label. */
  async #removeOwn(name: string): Promise<'gone' | 'foreign'> {
    const found = await engineCall('look for a leftover', {}, (abortSignal) =>
      ignoreNotFound(this.#docker.getContainer(name).inspect({ abortSignal })),
    )
    const labels: Labels = found?.Config.Labels ?? {}
    if (found && labels[INSTALL_LABEL] !== this.#options.installId) return 'foreign'
    if (found) await this.#remove(found.Id)
    return 'gone'
  }

  /** The first failure is the one to tell. What this leaves shows in list(), and the next start removes it. */
  async #cleanUp(name: string): Promise<void> {
    try {
      await this.#removeOwn(name)
    } catch (error) {
      if (!(error instanceof CreelError)) throw error
    }
  }

  async #remove(id: string): Promise<void> {
    await engineCall('remove a sandbox', {}, async (abortSignal) => {
      const removal = this.#docker.getContainer(id).remove({ force: true, v: true })
      try {
        await ignoreNotFound(removal)
      } catch (error) {
        // Conflict: another removal is on its way.
        if (engineStatus(error) !== 409) throw error
        await ignoreNotFound(waitForExit(this.#docker, id, 'removed', abortSignal))
      }
    })
  }

  /** Worked out once: where this process runs does not change. */
  #pathTranslation(): Promise<EnginePath> {
    const mountinfo = this.#options.mountinfo ?? readMountinfo
    this.#enginePath ??= findEnginePath(this.#docker, mountinfo).catch((error: unknown) => {
      this.#enginePath = undefined
      throw error
    })
    return this.#enginePath
  }
}
