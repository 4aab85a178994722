import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NO_PACKAGES, type PackageList } from '../../src/domain/packages.ts'
import type { PackageBuilder } from '../../src/domain/ports/packages.ts'

export interface PackageBuilderWorld {
  readonly builder: PackageBuilder
  /** An image that is there. */
  readonly base: string
  /** Packages that can be installed on it soon. */
  readonly packages: PackageList
  /** Of which one exists nowhere. */
  readonly missing: PackageList
  /** Makes a sandbox from the image; to be called to end it. */
  readonly use: (tag: string) => Promise<() => Promise<void>>
  /** The build that runs is in the middle of its work. */
  readonly begun: () => Promise<void>
  /** How many containers and images builds have left behind. */
  readonly leftovers: () => Promise<number>
}

/** What every builder of images with packages promises. */
export function packageBuilderContract(name: string, make: () => Promise<PackageBuilderWorld>): void {
  describe(`${name}: images with packages`, () => {
    const { signal } = new AbortController()
    let world: PackageBuilderWorld
    let lines: string[]
    let tag: string
    beforeEach(async () => {
      world = await make()
      lines = []
      tag = world.builder.tagOf(world.base, world.packages)
    })
    afterEach(async () => {
      await world.builder.remove(tag)
    })
    const build = (packages: PackageList, until: AbortSignal = signal) => {
      const { builder, base } = world
      const onLine = (line: string) => void lines.push(line)
      return builder.build({ tag: builder.tagOf(base, packages), base, packages, onLine }, until)
    }

    test('are named by what is in them', () => {
      const { builder, base, packages, missing } = world
      expect(builder.tagOf(base, packages)).toBe(tag)
      const others = [
        builder.tagOf(`${base}x`, packages),
        builder.tagOf(base, missing),
        builder.tagOf(base, { ...NO_PACKAGES, apt: packages.npm }),
      ]
      expect(new Set([tag, ...others]).size).toBe(4)
      for (const one of [tag, ...others]) expect(one).toMatch(/^creel-packages:[0-9a-f]{16}$/)
    })

    test('are there when they were built, and go unless a sandbox is made from them', async () => {
      const { builder } = world
      expect(await builder.exists(tag, signal)).toBe(false)
      await build(world.packages)
      expect(await builder.exists(tag, signal)).toBe(true)
      const end = await world.use(tag)
      expect(await builder.remove(tag)).toBe(false)
      expect(await builder.exists(tag, signal)).toBe(true)
      await end()
      expect(await builder.remove(tag)).toBe(true)
      expect(await builder.exists(tag, signal)).toBe(false)
      expect(await builder.remove(tag)).toBe(true)
    })

    test('that cannot be built say why, and leave nothing', async () => {
      const before = await world.leftovers()
      const error: unknown = await build(world.missing).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'invalid',
        message: expect.stringMatching(/^they could not be installed:\n[\s\S]*not found/i),
      })
      expect(await world.builder.exists(world.builder.tagOf(world.base, world.missing), signal)).toBe(false)
      expect(await world.leftovers()).toBe(before)
    })

    test('can be given up in the middle, and built after that', async () => {
      const before = await world.leftovers()
      const stop = new AbortController()
      const building = build(world.packages, stop.signal)
      const given = expect(building).rejects.toThrow('enough')
      await world.begun()
      stop.abort(new Error('enough'))
      await given
      expect(await world.builder.exists(tag, signal)).toBe(false)
      await expect.poll(() => world.leftovers(), { timeout: 30_000 }).toBe(before)
      await build(world.packages)
      expect(await world.builder.exists(tag, signal)).toBe(true)
    })
  })
}
