import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOutbox } from '@creel/protocol'
import { DockerEngine } from '../../src/adapters/docker/docker-engine.ts'
import { GroupConfig } from '../../src/config/schema.ts'
import { type GroupName, newId, type UnixMs } from '../../src/domain/ids.ts'
import type { SandboxHandle, SandboxSpec } from '../../src/domain/ports/sandbox.ts'
import { Paths } from '../../src/paths.ts'
import { sandboxSpec, specHash } from '../../src/sandboxes/sandbox-spec.ts'
import { ENGINE_SOCKET, testScriptImage } from './test-image.ts'

type Limits = Partial<GroupConfig['limits']>

/**
 * One install on the real engine with its folders in a temporary place. Its sandboxes run shell scripts under the
 * real spec. Disposing removes every container and folder of it.
 */
export class TestInstall implements AsyncDisposable {
  readonly installId = `test-${newId()}`
  readonly engine: DockerEngine
  readonly paths: Paths
  readonly #root: string
  readonly #image: string

  private constructor(root: string, image: string) {
    this.#root = root
    this.#image = image
    this.paths = new Paths(join(root, 'data'), join(root, 'groups'))
    this.engine = this.another()
  }

  static async make(): Promise<TestInstall> {
    return new TestInstall(await mkdtemp(join(tmpdir(), 'creel-')), await testScriptImage())
  }

  /** The engine as another host process of this install sees it. */
  another(): DockerEngine {
    const clock = { now: () => Date.now() as UnixMs, sleep: () => Promise.reject(new Error('not used')) }
    return new DockerEngine({ socketPath: ENGINE_SOCKET, installId: this.installId, specHash, clock })
  }

  /** The real spec of a group that runs `script`, with its folders made the way the mailbox makes them. */
  async spec(group: string, script: string, limits: Limits = {}): Promise<SandboxSpec> {
    const name = group as GroupName
    await this.#makeFolders(name)
    const config = GroupConfig.parse({ limits })
    const spec = sandboxSpec(name, config, this.paths, { image: this.#image, protocol: 1 })
    return { ...spec, env: { ...spec.env, SCRIPT: script } }
  }

  async start(group: string, script: string, limits: Limits = {}): Promise<SandboxHandle> {
    return this.engine.start(await this.spec(group, script, limits), AbortSignal.timeout(60_000))
  }

  /** Runs a script to its end and returns what it printed. */
  async run(group: string, script: string, limits: Limits = {}): Promise<string> {
    const handle = await this.start(group, script, limits)
    await this.engine.wait(handle, AbortSignal.timeout(120_000))
    const output = await this.engine.logs(handle, 1000)
    await this.engine.destroy(handle, { graceMs: 0 })
    return output
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of await this.engine.list(AbortSignal.timeout(30_000))) {
      await this.engine.destroy(handle, { graceMs: 0 })
    }
    await rm(this.#root, { recursive: true, force: true })
  }

  async #makeFolders(group: GroupName): Promise<void> {
    const { paths } = this
    for (const folder of [paths.mailIn(group), paths.runDir(group), paths.placedSkills(group)])
      await mkdir(folder, { recursive: true })
    await mkdir(paths.mailOut(group), { recursive: true })
    await chmod(paths.mailOut(group), 0o1777)
    for (const folder of [paths.home(group), paths.workspace(group), paths.memory(group)]) {
      await mkdir(folder, { recursive: true })
      await chmod(folder, 0o777)
    }
    await writeFile(paths.inbox(group), 'inbox')
    await rm(paths.outbox(group), { force: true })
    createOutbox(paths.outbox(group))
    await chmod(paths.outbox(group), 0o666)
  }
}
