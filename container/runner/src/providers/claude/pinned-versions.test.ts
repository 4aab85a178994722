import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const CONTAINER = join(import.meta.dirname, '../../../..')
const read = (path: string) => JSON.parse(readFileSync(join(CONTAINER, path), 'utf8'))
const SDK = '@anthropic-ai/claude-agent-sdk'

it('the SDK in the runner and the program in the image are of one version', () => {
  const { version } = read('package-lock.json').packages[`node_modules/${SDK}`]
  expect(read('package.json').devDependencies[SDK]).toBe(version)
  const programs: Record<string, string> = read('image/runtimes/package.json').optionalDependencies
  const pinned = Object.entries(programs).filter(([name]) => name.startsWith(SDK))
  expect(pinned.length).toBeGreaterThan(0)
  expect(pinned.map(([, program]) => program)).toEqual(pinned.map(() => version))
})

// The lock file leaves out what the SDK wants beside it: programs of several hundred megabytes, which an image gets from
// image/runtimes/, and libraries for what we do not use. After a bump strike both fields from its entry again.
it('building the runner fetches the SDK without its programs', () => {
  const { packages } = read('package-lock.json')
  expect(Object.keys(packages).filter((name) => name.includes(`${SDK}-`))).toEqual([])
  expect(packages[`node_modules/${SDK}`]).not.toHaveProperty('optionalDependencies')
  expect(packages[`node_modules/${SDK}`]).not.toHaveProperty('peerDependencies')
})
