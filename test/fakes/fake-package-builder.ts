import { createHash } from 'node:crypto'
import { PACKAGE_MANAGERS } from '@creel/protocol'
import { CreelError } from '../../src/domain/errors.ts'
import { type PackageList, packagesKey } from '../../src/domain/packages.ts'
import type { PackageBuild, PackageBuilder } from '../../src/domain/ports/packages.ts'

/**
 * Images with packages in memory. A build goes on until `finish` or `fail` is called, or at once with `atOnce`. Strict:
 * two builds at a time, one of what is there, or of names that were never checked, are errors of the test.
 */
export class FakePackageBuilder implements PackageBuilder {
  readonly images = new Set<string>()
  /** Images that a sandbox is made from. */
  readonly inUse = new Set<string>()
  /** Every build that was begun, in order. */
  readonly builds: PackageBuild[] = []
  atOnce = false
  /** Packages that no registry has. */
  readonly missing = new Set<string>()
  failing: CreelError | null = null
  #running: { end: PromiseWithResolvers<void>; tag: string } | null = null

  tagOf(base: string, packages: PackageList): string {
    const hash = createHash('sha256')
      .update(`${base}\n${packagesKey(packages)}`)
      .digest('hex')
    return `creel-packages:${hash.slice(0, 16)}`
  }

  async exists(tag: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (this.failing) throw this.failing
    return this.images.has(tag)
  }

  async build(request: PackageBuild, signal: AbortSignal): Promise<void> {
    const { tag, base, packages } = request
    if (this.#running) throw new Error(`${tag} is built while ${this.#running.tag} is`)
    if (this.images.has(tag)) throw new Error(`${tag} is there`)
    if (tag !== this.tagOf(base, packages)) throw new Error(`${tag} is no name for that`)
    if (/[^\w.+@/=~:"[\],-]/.test(packagesKey(packages))) throw new Error('names that nobody checked')
    this.builds.push(request)
    if (this.failing) throw this.failing
    const gone = PACKAGE_MANAGERS.flatMap((manager) => packages[manager]).find((name) =>
      this.missing.has(name),
    )
    if (gone !== undefined) throw unbuilt(`${gone}: not found`)
    if (!this.atOnce) await this.#ended(tag, signal)
    this.images.add(tag)
  }

  /** The build that runs ends well. */
  finish(): void {
    this.#take().end.resolve()
  }

  /** The build that runs fails as a build of the engine does. */
  fail(lines: string): void {
    this.#take().end.reject(unbuilt(lines))
  }

  get isBuilding(): boolean {
    return this.#running !== null
  }

  async remove(tag: string): Promise<boolean> {
    if (this.inUse.has(tag)) return false
    this.images.delete(tag)
    return true
  }

  #take() {
    if (!this.#running) throw new Error('nothing is built')
    const running = this.#running
    this.#running = null
    return running
  }

  async #ended(tag: string, signal: AbortSignal): Promise<void> {
    const end = Promise.withResolvers<void>()
    this.#running = { end, tag }
    const abort = () => end.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await end.promise
    } finally {
      signal.removeEventListener('abort', abort)
      this.#running = null
    }
  }
}

function unbuilt(lines: string): CreelError {
  return new CreelError('invalid', `they could not be installed:\n${lines}`)
}
