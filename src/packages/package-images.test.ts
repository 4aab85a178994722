import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakePackageBuilder } from '../../test/fakes/fake-package-builder.ts'
import { GARDEN, HostTables, KITCHEN, silentLog } from '../../test/rig/host-tables.ts'
import { SqlitePackageStore } from '../adapters/sqlite/package-store.ts'
import { EngineUnavailableError } from '../domain/errors.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import { NO_PACKAGES, type PackageList } from '../domain/packages.ts'
import type { ImageWish } from './image-wish.ts'
import { PackageImages } from './package-images.ts'

const HOUR = 3_600_000
const BASE = 'creel-agent:1'
const BC: PackageList = { ...NO_PACKAGES, apt: ['bc'] }
const TREE: PackageList = { ...NO_PACKAGES, apt: ['bc', 'tree'] }

let tables: HostTables
let store: SqlitePackageStore
let builder: FakePackageBuilder
let base: string
let wishes: Map<GroupName, ImageWish> | null
let ends: number
let images: PackageImages

beforeEach(() => {
  tables = new HostTables()
  store = new SqlitePackageStore(tables.db)
  builder = new FakePackageBuilder()
  base = BASE
  wishes = new Map()
  ends = 0
  images = start()
})
afterEach(async () => {
  await images.stop()
  tables[Symbol.dispose]()
})

function start(): PackageImages {
  const { clock, events } = tables
  const made = new PackageImages(
    {
      ...{ store, builder, clock, events, baseFor: async () => base, ended: () => void ends++ },
      wishes: async () => ({
        wishes: [...(wishes ?? [])].map(([group, wish]) => ({ group, ...wish })),
        all: wishes !== null,
      }),
    },
    { clock, log: silentLog, random: () => 0.5, pollMs: 1_000, backoff: { baseMs: 200, maxMs: 30_000 } },
  )
  made.start()
  return made
}

const wish = (packages: PackageList): ImageWish => ({ provider: 'demo', packages })
const image = (packages: PackageList, group = GARDEN) => {
  wishes?.set(group, wish(packages))
  return images.imageFor(group, wish(packages))
}
const progress = (packages: PackageList, since = 0) => images.progress(wish(packages), since as UnixMs)
const tag = (packages: PackageList) => builder.tagOf(base, packages)
const settled = () => tables.clock.settled()

/** The group runs on this. */
async function runsOn(packages: PackageList, group = GARDEN): Promise<void> {
  builder.atOnce = true
  await image(packages, group)
  await settled()
  expect(await image(packages, group)).toBe(tag(packages))
  builder.atOnce = false
}

describe('the image of a group', () => {
  test('without packages is that of its runtime, and nothing is recorded or built', async () => {
    expect(await image(NO_PACKAGES)).toBe(BASE)
    expect(store.images()).toEqual([])
    expect(store.listsOf(GARDEN)).toEqual([])
  })

  test('stays what it was while its packages are built, and is theirs then', async () => {
    expect(await image(BC)).toBe(BASE)
    await settled()
    builder.builds[0]?.onLine('Setting up bc')
    expect(await progress(BC)).toEqual({ state: 'building', line: 'Setting up bc' })
    expect(ends).toBe(0)
    builder.finish()
    await settled()
    expect(ends).toBe(1)
    expect(await image(BC)).toBe(tag(BC))
    expect(await image(TREE)).toBe(tag(BC))
  })

  test('that cannot be built is what it was, and is tried again in an hour, or for whoever asks after that', async () => {
    await runsOn(BC)
    expect(await image(TREE)).toBe(tag(BC))
    await settled()
    builder.fail('E: Unable to locate package tree')
    await settled()
    expect(await image(TREE)).toBe(tag(BC))
    const problem = 'they could not be installed:\nE: Unable to locate package tree'
    expect(await progress(TREE)).toEqual({ state: 'failed', problem })
    expect(builder.builds).toHaveLength(2)
    await tables.clock.advance(1)
    expect(await progress(TREE, tables.clock.now())).toMatchObject({ state: 'building' })
    await settled()
    builder.fail('again')
    await settled()
    await tables.clock.advance(HOUR + 1_000)
    await image(TREE)
    await settled()
    expect(builder.builds).toHaveLength(4)
  })

  test('is waited for when a newer runtime wants it built again; without packages when that fails', async () => {
    await runsOn(BC)
    base = 'creel-agent:2'
    await expect(image(BC)).rejects.toMatchObject({ code: 'unavailable' })
    await settled()
    builder.fail('no mirror')
    await settled()
    expect(await image(BC)).toBe(base)
  })

  test('that somebody took from the engine is built again', async () => {
    await runsOn(BC)
    await images.stop()
    builder.images.clear()
    images = start()
    await expect(image(BC)).rejects.toMatchObject({ code: 'unavailable' })
    await settled()
    builder.finish()
    await settled()
    expect(await image(BC)).toBe(tag(BC))
  })
})

describe('builds', () => {
  test('are made one at a time, and of equal lists one for all', async () => {
    await Promise.all([progress(BC), progress(BC), progress(TREE)])
    await settled()
    expect(builder.builds).toHaveLength(1)
    builder.finish()
    await settled()
    expect(builder.builds).toHaveLength(2)
    builder.finish()
    await settled()
    expect(await image(BC, KITCHEN)).toBe(await image(BC, GARDEN))
    expect(builder.builds).toHaveLength(2)
  })

  test('that a killed or stopped host left are made by the next one; what it had finished is found', async () => {
    await progress(BC)
    await settled()
    expect(builder.isBuilding).toBe(true)
    await images.stop()
    expect(builder.isBuilding).toBe(false)
    expect(store.wanted()).toEqual([tag(BC)])
    images = start()
    await settled()
    expect(builder.builds).toHaveLength(2)
    builder.finish()
    await settled()
    store.want({ tag: tag(BC), base, packages: BC }, tables.clock.now())
    await tables.clock.advance(1_000)
    expect(store.image(tag(BC))?.state).toBe('ready')
    expect(builder.builds).toHaveLength(2)
  })

  test('wait for an engine that is away', async () => {
    builder.failing = new EngineUnavailableError('gone')
    await progress(BC)
    await settled()
    expect(store.wanted()).toEqual([tag(BC)])
    builder.failing = null
    builder.atOnce = true
    await tables.clock.advance(30_000)
    expect(store.image(tag(BC))?.state).toBe('ready')
  })
})

describe('images that nobody needs', () => {
  test('go after a while: all but what a group runs with and what it ran with before', async () => {
    const lists = ['a1', 'b1', 'c1', 'd1'].map((name): PackageList => ({ ...NO_PACKAGES, apt: [name] }))
    for (const list of lists) await runsOn(list)
    const [a, b, c, d] = lists.map(tag)
    expect(store.listsOf(GARDEN)).toEqual([lists[3], lists[2]])
    expect(builder.images).toEqual(new Set([a, b, c, d]))
    builder.inUse.add(a ?? '')
    await tables.clock.advance(HOUR + 2_000)
    expect(builder.images).toEqual(new Set([a, c, d]))
    builder.inUse.clear()
    await tables.clock.advance(HOUR + 2_000)
    expect(builder.images).toEqual(new Set([c, d]))
    expect(new Set(store.images().map((one) => one.tag))).toEqual(new Set([c, d]))
  })

  test('stay while the settings of a group cannot be read', async () => {
    await runsOn(BC)
    wishes = null
    await tables.clock.advance(2 * HOUR)
    expect(builder.images).toEqual(new Set([tag(BC)]))
    wishes = new Map()
    await tables.clock.advance(2 * HOUR)
    expect(builder.images).toEqual(new Set())
  })
})
