import type { GroupName, UnixMs } from '../ids.ts'
import type { PackageList } from '../packages.ts'

/**
 * `wanted` is to be built; `ready` was built; `failed` was tried, and is tried again when somebody asks for it or an
 * hour has passed.
 */
export type PackageImageState = 'wanted' | 'ready' | 'failed'

/** A runtime image with packages on it. */
export interface PackageImage {
  readonly tag: string
  /** Tag of the runtime image. */
  readonly base: string
  readonly packages: PackageList
  readonly state: PackageImageState
  /** Why it failed, in words for a person; the end of what the package managers said, which is anybody's words. */
  readonly problem: string | null
  /** Of the last change of its state. */
  readonly at: UnixMs
}

/** Images with packages, and which lists each group ran with, in the host's database. Each write is one transaction. */
export interface PackageStore {
  image(tag: string): PackageImage | null
  images(): readonly PackageImage[]
  /** Tags to build, in the order in which they were wanted. */
  wanted(): readonly string[]
  /** It is to be built, whatever became of it before. Idempotent. */
  want(image: Pick<PackageImage, 'tag' | 'base' | 'packages'>, now: UnixMs): void
  /** How the build ended. */
  ended(tag: string, problem: string | null, now: UnixMs): void
  forget(tag: string): void
  /** A group has this list now; only the newest two of a group are kept. Idempotent. */
  ran(group: GroupName, packages: PackageList, now: UnixMs): void
  /** The lists that a group ran with, newest first, two at most. */
  listsOf(group: GroupName): readonly PackageList[]
}

export interface PackageBuild {
  readonly tag: string
  readonly base: string
  readonly packages: PackageList
  /** The output, one line at a time: a stranger's words. */
  readonly onLine: (line: string) => void
}

/**
 * Makes images of packages on the container engine. Throws EngineUnavailableError when the engine does not answer.
 * `build` is called for one image at a time.
 */
export interface PackageBuilder {
  /** The name of that image: the same for the same base and packages, another one for anything else. */
  tagOf(base: string, packages: PackageList): string
  exists(tag: string, signal: AbortSignal): Promise<boolean>
  /**
   * Builds it with bounded time, memory and size; leaves nothing behind when it fails or is aborted. Throws `invalid`
   * with the end of the output when the packages cannot be installed.
   */
  build(request: PackageBuild, signal: AbortSignal): Promise<void>
  /** Idempotent. False when a sandbox is still made from it; then it is left. */
  remove(tag: string): Promise<boolean>
}
