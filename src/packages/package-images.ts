import type { WantedImage } from '../config/schema.ts'
import { CreelError, EngineUnavailableError, errorText } from '../domain/errors.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import { countOf, NO_PACKAGES, type PackageList, packagesKey } from '../domain/packages.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PackageBuilder, PackageStore } from '../domain/ports/packages.ts'
import type { Events } from '../events.ts'
import { Pump, type PumpOptions, type StepResult } from '../pump.ts'
import type { ImageWish, Wishes } from './image-wish.ts'
import { unusedImages } from './unused-images.ts'

/** What could not be built is tried again after so long, for a mirror that was down. */
const RETRY_MS = 3_600_000
const TEND_EVERY_MS = 3_600_000
/** No image has this name. */
const TEND = ''

export interface PackageImagesPorts {
  readonly store: PackageStore
  readonly builder: PackageBuilder
  /** Tag of the runtime image for a group of this kind; makes it when it is missing. */
  readonly baseFor: (wanted: WantedImage) => Promise<string>
  readonly wishes: Wishes
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<Events, 'packagesBuilt' | 'packagesFailed'>
  /** An image is there, or could not be made. */
  readonly ended: () => void
}

/** How far a list has come. */
export type PackageProgress =
  | { readonly state: 'ready'; readonly image: string }
  | { readonly state: 'building'; readonly line: string }
  | { readonly state: 'failed'; readonly problem: string }

/**
 * Images of agents with packages on them: named by what is in them, built one at a time behind everybody's back, kept
 * while a group runs with them or could go back to them. What is to be built is on record, so a killed host goes on.
 */
export class PackageImages {
  readonly #ports: PackageImagesPorts
  readonly #pump: Pump<string>
  /** Images that were seen on the engine since the start. */
  readonly #seen = new Set<string>()
  /** The lists that were recorded as run with. */
  readonly #ran = new Map<GroupName, string>()
  #line: { readonly tag: string; readonly text: string } | null = null
  #tendedAt = Number.NEGATIVE_INFINITY

  constructor(
    ports: PackageImagesPorts,
    pump: Pick<PumpOptions<string>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
  ) {
    this.#ports = ports
    this.#pump = new Pump<string>({
      ...{ ...pump, name: 'packages', maxConcurrent: 1 },
      keys: () => [...ports.store.wanted(), TEND],
      step: (tag, signal) => (tag === TEND ? this.#tend() : this.#build(tag, signal)),
    })
  }

  /**
   * Tag of what a group's sandbox is made from now. While its packages are being built, or when they cannot be, that is
   * what it ran on before. Throws `unavailable` while the packages that it ran with are built for a newer runtime.
   */
  async imageFor(group: GroupName, wish: ImageWish): Promise<string> {
    const { store, clock } = this.#ports
    const progress = await this.progress(wish, (clock.now() - RETRY_MS) as UnixMs)
    if (progress.state === 'ready') {
      this.#note(group, wish.packages)
      return progress.image
    }
    const [newest, ...older] = store.listsOf(group)
    const ranWithThem = newest !== undefined && packagesKey(newest) === packagesKey(wish.packages)
    if (ranWithThem && progress.state === 'building')
      throw new CreelError('unavailable', 'its packages are being installed for a new runtime image', {
        hint: './creel packages list shows how far it is',
      })
    for (const list of ranWithThem ? older : newest === undefined ? [] : [newest, ...older]) {
      const tag = await this.#tagOf({ ...wish, packages: list })
      if (await this.#isThere(tag)) return tag
    }
    return this.#tagOf({ ...wish, packages: NO_PACKAGES })
  }

  /** How far a list has come; sees to it that it is built. What failed before `since` is tried again. */
  async progress(wish: ImageWish, since: UnixMs): Promise<PackageProgress> {
    const { store, clock, baseFor } = this.#ports
    const { packages } = wish
    const base = await baseFor(wish)
    const tag = await this.#tagOf(wish)
    const known = store.image(tag)
    if (tag === base || (known?.state === 'ready' && (await this.#isThere(tag))))
      return { state: 'ready', image: tag }
    if (known?.state === 'failed' && known.at >= since)
      return { state: 'failed', problem: known.problem ?? '' }
    store.want({ tag, base, packages }, clock.now())
    this.#pump.nudge(tag)
    return { state: 'building', line: this.#line?.tag === tag ? this.#line.text : '' }
  }

  start(): void {
    this.#pump.start()
  }

  /** A build that runs is given up; the next host begins it again. */
  async stop(): Promise<void> {
    await this.#pump.stop(0)
  }

  /** Most groups never have any, and are none to be looked up with every step. */
  #note(group: GroupName, packages: PackageList): void {
    const { store, clock } = this.#ports
    const key = packagesKey(packages)
    if (this.#ran.get(group) === key) return
    if (countOf(packages) > 0 || store.listsOf(group).length > 0) store.ran(group, packages, clock.now())
    this.#ran.set(group, key)
  }

  async #tagOf(wish: ImageWish): Promise<string> {
    const { packages } = wish
    const base = await this.#ports.baseFor(wish)
    return countOf(packages) === 0 ? base : this.#ports.builder.tagOf(base, packages)
  }

  async #isThere(tag: string): Promise<boolean> {
    if (this.#seen.has(tag)) return true
    const state = this.#ports.store.image(tag)?.state
    if (state !== 'ready') return false
    const isThere = await this.#ports.builder.exists(tag, new AbortController().signal)
    if (isThere) this.#seen.add(tag)
    return isThere
  }

  async #build(tag: string, signal: AbortSignal): Promise<StepResult> {
    const { store, builder, clock, events, ended } = this.#ports
    const image = store.image(tag)
    if (image?.state !== 'wanted') return 'idle'
    const begun = clock.now()
    const onLine = (text: string) => {
      this.#line = { tag, text }
    }
    try {
      if (!(await builder.exists(tag, signal))) await builder.build({ ...image, onLine }, signal)
      this.#seen.add(tag)
      store.ended(tag, null, clock.now())
      events.packagesBuilt(tag, clock.now() - begun)
    } catch (error) {
      // The host is going down, or the engine is away: it stays wanted.
      if (signal.aborted || !(error instanceof CreelError) || error instanceof EngineUnavailableError)
        throw error
      store.ended(tag, errorText(error), clock.now())
      events.packagesFailed(tag, errorText(error))
    } finally {
      this.#line = null
    }
    ended()
    return 'idle'
  }

  /** Has built what groups want, before they need it; removes what none runs with or could go back to. */
  async #tend(): Promise<StepResult> {
    const { store, builder, wishes, clock } = this.#ports
    if (clock.now() - this.#tendedAt < TEND_EVERY_MS) return 'idle'
    for (const wish of (await wishes()).wishes)
      if (countOf(wish.packages) > 0) await this.progress(wish, (clock.now() - RETRY_MS) as UnixMs)
    for (const { tag, state } of await unusedImages(this.#ports, (wish) => this.#tagOf(wish))) {
      if (state === 'ready' && !(await builder.remove(tag))) continue
      this.#seen.delete(tag)
      store.forget(tag)
    }
    // Only now: what failed in between, for want of an engine, is begun again soon.
    this.#tendedAt = clock.now()
    return 'idle'
  }
}
