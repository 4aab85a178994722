import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkTree } from './architecture/check-tree.ts'
import { isTest } from './architecture/directions.ts'
import {
  boundToRegistry,
  dependencies,
  disagreements,
  readLockfile,
  unused,
} from './architecture/packages.ts'

/** The rules of ARCHITECTURE.md and CONTRIBUTING.md that a machine can check; how they are checked: ./architecture/. */
const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const sources = new Map(
  globSync(['*.ts', '{src,container,setup,test,bench}/**/*.ts'], { cwd: ROOT })
    .filter((path) => !/(?:^|\/)(?:node_modules|\.creel)\//.test(path))
    .map((path) => [path, read(path)]),
)

describe('architecture', () => {
  it('reads the tree', () => {
    expect(sources.size).toBeGreaterThan(20)
    expect(sources.has('src/domain/errors.ts')).toBe(true)
    expect(sources.has('container/protocol/src/index.ts')).toBe(true)
  })

  it('imports point one way, state and time stay at the edges, files stay small', () => {
    expect(checkTree(sources)).toEqual([])
  })

  it('lock files name no registry, and both sides of the mailbox run the same versions', () => {
    const host = readLockfile(read('package-lock.json'))
    const container = readLockfile(read('container/package-lock.json'))
    expect([...boundToRegistry(host), ...boundToRegistry(container)]).toEqual([])
    expect(disagreements(host, container)).toEqual([])
  })

  it('every dependency is used, and ARCHITECTURE.md says what for', () => {
    const names = dependencies(read('package.json'))
    expect(unused(names, new Map([...sources].filter(([path]) => !isTest(path))))).toEqual([])
    const text = read('ARCHITECTURE.md')
    expect(names.filter((name) => !text.includes(name))).toEqual([])
  })
})
