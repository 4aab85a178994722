import { expect, test, vi } from 'vitest'
import { NO_PACKAGES } from '../../src/domain/packages.ts'
import { packageBuilderContract } from '../contract/package-builder.ts'
import { FakePackageBuilder } from './fake-package-builder.ts'

packageBuilderContract('FakePackageBuilder', async () => {
  const builder = new FakePackageBuilder()
  builder.missing.add('no-such')
  const build = builder.build.bind(builder)
  // What is not given up at once ends well.
  builder.build = (request, signal) => {
    const building = build(request, signal)
    setImmediate(() => builder.isBuilding && builder.finish())
    return building
  }
  return {
    ...{ builder, base: 'creel-agent:1' },
    packages: { ...NO_PACKAGES, npm: ['some'] },
    missing: { ...NO_PACKAGES, npm: ['no-such', 'some'] },
    use: async (tag) => {
      builder.inUse.add(tag)
      return async () => void builder.inUse.delete(tag)
    },
    begun: async () => undefined,
    leftovers: async () => (builder.isBuilding ? 1 : 0),
  }
})

test('it is strict: no two builds at once, none of what is there, and only of names that were checked', async () => {
  const builder = new FakePackageBuilder()
  const { signal } = new AbortController()
  const request = (name: string) => {
    const packages = { ...NO_PACKAGES, apt: [name] }
    return { tag: builder.tagOf('b', packages), base: 'b', packages, onLine: () => undefined }
  }
  const first = builder.build(request('bc'), signal)
  await vi.waitFor(() => expect(builder.isBuilding).toBe(true))
  await expect(builder.build(request('tree'), signal)).rejects.toThrow('while')
  builder.finish()
  await first
  await expect(builder.build(request('bc'), signal)).rejects.toThrow('is there')
  await expect(builder.build(request('a;b'), signal)).rejects.toThrow('nobody checked')
  await expect(builder.build({ ...request('tree'), base: 'c' }, signal)).rejects.toThrow('no name for that')
})
