import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { PACKAGE_MANAGERS } from '@creel/protocol'
import type Docker from 'dockerode'
import { CreelError } from '../../domain/errors.ts'
import { type PackageList, packagesKey } from '../../domain/packages.ts'
import type { PackageBuild, PackageBuilder } from '../../domain/ports/packages.ts'
import { hasImage } from './agent-image.ts'
import { type ContextFile, contextTar } from './build-context.ts'
import { BuildOutput } from './build-output.ts'
import { endlessEngineCall, engineCall, engineClient } from './engine-client.ts'
import { engineStatus, ignoreNotFound } from './engine-errors.ts'
import { PACKAGES_LABEL } from './labels.ts'
import type { NpmConfig } from './npm-config.ts'

const LISTS = '/creel-packages'
const SCRIPT = 'install-packages.sh'

/** Its sandboxes differ from those of the base in what is installed, and in nothing else. */
const DOCKERFILE = `ARG BASE
FROM \${BASE}
USER root
ARG NPM_CONFIG_REGISTRY
ARG PIP_INDEX_URL
COPY . ${LISTS}/
RUN sh ${LISTS}/${SCRIPT}
USER 10001:10001
`

const BUILD_MS = 15 * 60_000
/** What a build may use of memory, in bytes, and of processors. */
const MEMORY = 2 * 1024 ** 3
const CPU_PERIOD_US = 100_000
const CPUS = 1.5
/** How much larger than its base an image may be, in bytes. */
const MAX_ADDED = 4e9
const SHOWN_LINES = 12

export interface DockerPackagesOptions {
  readonly socketPath: string
  /** Path of setup/install-packages.sh. */
  readonly script: string
  /** Images of other installs on the same engine have other names: nobody removes another's. */
  readonly installId: string
  /** Where packages come from; asked when there is something to build. */
  readonly npm: () => Promise<NpmConfig>
  readonly pipIndex?: string
  /** In place of the usual bounds; for tests. */
  readonly bounds?: { readonly buildMs?: number; readonly maxAdded?: number }
}

/** Images with packages as builds of a Docker-compatible engine, which has no credential and mounts nothing. */
export class DockerPackages implements PackageBuilder {
  readonly #docker: Docker
  readonly #options: DockerPackagesOptions
  #read: string | undefined

  constructor(options: DockerPackagesOptions) {
    this.#options = options
    this.#docker = engineClient(options.socketPath)
  }

  /** Read at its first use: most hosts have no agent with packages. */
  get #script(): string {
    this.#read ??= readFileSync(this.#options.script, 'utf8')
    return this.#read
  }

  /** The tag of the base is itself a hash of what is in it. */
  tagOf(base: string, packages: PackageList): string {
    const parts = [this.#options.installId, base, DOCKERFILE, this.#script, packagesKey(packages)]
    return `creel-packages:${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}`
  }

  exists(tag: string, signal: AbortSignal): Promise<boolean> {
    return hasImage(this.#docker, tag, signal)
  }

  async build(request: PackageBuild, signal: AbortSignal): Promise<void> {
    const { tag, base } = request
    const buildMs = this.#options.bounds?.buildMs ?? BUILD_MS
    const deadline = AbortSignal.timeout(buildMs)
    const output = new BuildOutput((line) => {
      const words = ownWords(line)
      if (words !== null) request.onLine(words)
    })
    try {
      await this.#run(request, output, AbortSignal.any([signal, deadline]))
    } catch (error) {
      if (signal.aborted || !deadline.aborted) throw error
      const minutes = Math.ceil(buildMs / 60_000)
      throw failure(`installing them takes longer than ${minutes} minutes, which is the bound`, output)
    }
    if (output.error !== undefined) throw failure('they could not be installed', output)
    await this.#boundSize(tag, base)
  }

  async remove(tag: string): Promise<boolean> {
    return engineCall(`remove ${tag}`, {}, async () => {
      try {
        await ignoreNotFound(this.#docker.getImage(tag).remove())
        return true
      } catch (error) {
        if (engineStatus(error) === 409) return false
        throw error
      }
    })
  }

  async #run({ tag, base, packages }: PackageBuild, output: BuildOutput, signal: AbortSignal): Promise<void> {
    const { npm: npmConfig, pipIndex, installId } = this.#options
    const npm = await npmConfig()
    const buildCa = npm.caFile ? await readFile(npm.caFile, 'utf8') : ''
    refuseLogin(pipIndex)
    await endlessEngineCall(`build ${tag}`, signal, async (abortSignal) => {
      const answer = await this.#docker.buildImage(contextTar(this.#context(packages), buildCa), {
        t: tag,
        labels: { [PACKAGES_LABEL]: installId },
        buildargs: {
          BASE: base,
          ...(npm.registry ? { NPM_CONFIG_REGISTRY: npm.registry } : {}),
          ...(pipIndex ? { PIP_INDEX_URL: pipIndex } : {}),
        },
        ...{ memory: MEMORY, memswap: MEMORY, cpuperiod: CPU_PERIOD_US, cpuquota: CPUS * CPU_PERIOD_US },
        forcerm: true,
        abortSignal,
      })
      answer.setEncoding('utf8')
      for await (const chunk of answer) output.write(String(chunk))
      output.end()
    })
  }

  #context(packages: PackageList): ContextFile[] {
    const lists = PACKAGE_MANAGERS.map((manager) => ({
      path: manager,
      text: packages[manager].map((name) => `${name}\n`).join(''),
    }))
    const files = [...lists, { path: 'Dockerfile', text: DOCKERFILE }, { path: SCRIPT, text: this.#script }]
    return files.map(({ path, text }) => ({ path, mode: 0o644, content: Buffer.from(text) }))
  }

  async #boundSize(tag: string, base: string): Promise<void> {
    const sizeOf = (name: string) =>
      engineCall(`look at ${name}`, {}, async () => (await this.#docker.getImage(name).inspect()).Size)
    const [with_, without] = await Promise.all([sizeOf(tag), sizeOf(base)])
    const max = this.#options.bounds?.maxAdded ?? MAX_ADDED
    if (with_ - without <= max) return
    await this.remove(tag)
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`
    throw new CreelError(
      'invalid',
      `with all that they need they take ${megabytes(with_ - without)}; the bound is ${megabytes(max)}`,
    )
  }
}

/** A build's arguments can be read from its image. */
function refuseLogin(index: string | undefined): void {
  if (index === undefined || index === '') return
  const { username, password } = new URL(index)
  if (username === '' && password === '') return
  throw new CreelError('invalid', 'PIP_INDEX_URL: expected a URL without user and password', {
    hint: 'packages for agents come from an index that needs no login',
  })
}

/** The end of what was said, each line by itself. */
function failure(what: string, output: BuildOutput): CreelError {
  const lines = output.tail.map(ownWords).filter((line) => line !== null)
  return new CreelError('invalid', [`${what}:`, ...lines.slice(-SHOWN_LINES)].join('\n'))
}

/** Without the colours of the engine; null for lines that are its own. */
function ownWords(line: string): string | null {
  const words = stripVTControlCharacters(line).trim()
  return words === '' || /^(?:Step \d+\/\d+ :|--->|Removing intermediate container|Successfully )/.test(words)
    ? null
    : words
}
