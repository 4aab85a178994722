import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GroupName } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { ForkedMemoryReader } from './forked-memory-reader.ts'
import { readMemory } from './read-memory.ts'

const GARDEN = 'garden' as GroupName

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-memory-'))
  folder = new Paths(join(root, 'data'), join(root, 'groups')).memory(GARDEN)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(root, 'secret.md'), 'needle of the host')
})
afterEach(() => rmSync(root, { recursive: true }))

const put = (name: string, text: string) => writeFileSync(join(folder, name), text)
const read = (path: string) => readMemory({ kind: 'read', folder, path })
const found = (answer: ReturnType<typeof readMemory>) =>
  'found' in answer ? answer.found.map(({ path }) => path) : []
const search = (...words: string[]) => readMemory({ kind: 'search', folder, words, limit: 10 })

it('lists, reads and searches in a process of its own', async () => {
  const reader = new ForkedMemoryReader(new Paths(join(root, 'data'), join(root, 'groups')))
  mkdirSync(join(folder, 'people'))
  put('index.md', '# Memory\nAnn likes TEA\n')
  put('people/ann.md', 'no tea\nno coffee\n')
  put('people/zoe.md', 'naïve Zoë')
  put('photo.png', 'not text')
  expect((await reader.list(GARDEN)).found).toMatchObject([
    { path: 'index.md', bytes: 23 },
    { path: 'people/ann.md', bytes: 17 },
    { path: 'people/zoe.md' },
  ])
  expect(await reader.read(GARDEN, 'people/ann.md')).toMatchObject({
    text: 'no tea\nno coffee\n',
    print: createHash('sha256').update('no tea\nno coffee\n').digest('hex').slice(0, 16),
    more: false,
  })
  expect((await reader.search(GARDEN, ['Tea', 'no'], 10)).found).toEqual([
    { path: 'people/ann.md', line: 1, text: 'no tea' },
  ])
  expect((await reader.search(GARDEN, ['zoe', 'NAIVE'], 10)).found).toHaveLength(1)
  await expect(reader.read(GARDEN, 'bob.md')).rejects.toMatchObject({ code: 'not_found' })
  expect(await reader.list('other' as GroupName)).toMatchObject({ found: [], more: false })
  const hurried = new ForkedMemoryReader(new Paths(join(root, 'data'), join(root, 'groups')), {
    deadlineMs: 1,
  })
  await expect(hurried.list(GARDEN)).rejects.toMatchObject({ code: 'unavailable' })
})

describe('what a sandbox may have put there', () => {
  it.each(['../secret.md', '..', '.', '', '/etc/passwd', 'a//b', 'a/../../../secret.md', 'x\0y'])(
    'does not leave the folder for %j',
    (path) => {
      expect(read(path)).toMatchObject({ kind: 'refused' })
    },
  )

  it('is not followed, opened for ever or believed to be a file', () => {
    symlinkSync(join(root, 'secret.md'), join(folder, 'link.md'))
    symlinkSync(root, join(folder, 'folder'))
    symlinkSync(folder, join(folder, 'loop'))
    linkSync(join(root, 'secret.md'), join(folder, 'second-name.md'))
    mkdirSync(join(folder, 'folder.md'))
    execFileSync('mkfifo', [join(folder, 'pipe.md')])
    put('fine.md', 'needle')
    expect(found(search('needle'))).toEqual(['fine.md'])
    expect(found(readMemory({ kind: 'list', folder }))).toEqual(['fine.md'])
    for (const name of [
      'link.md',
      'second-name.md',
      'folder.md',
      'pipe.md',
      'folder/secret.md',
      'loop/fine.md',
    ])
      expect(read(name), name).toMatchObject({ kind: 'refused', code: 'invalid' })
  })

  it('is read within bounds, which are told', () => {
    put('huge.md', 'needle\n')
    truncateSync(join(folder, 'huge.md'), 100_000_000_000)
    expect(read('huge.md')).toMatchObject({ kind: 'read', more: true })
    put('line.md', `${'x'.repeat(1_000)}needle${'x'.repeat(1_000_000)}`)
    put('many.md', 'needle\n'.repeat(50))
    const many = readMemory({ kind: 'search', folder, words: ['needle'], limit: 10 })
    expect(many).toMatchObject({ more: true })
    expect(found(many)).toHaveLength(10)
    for (let n = 0; n < 2_010; n++) put(`n${n}.md`, '')
    const all = readMemory({ kind: 'list', folder })
    expect(all).toMatchObject({ more: true })
    expect(found(all)).toHaveLength(2_000)
  })

  it('may have any name', () => {
    put('\u001b[31m\u202ered\n.md', 'needle')
    expect(found(search('needle'))).toEqual(['\u001b[31m\u202ered\n.md'])
  })

  it('may be exchanged while it is looked at', () => {
    mkdirSync(join(folder, 'real'))
    put('real/a.md', 'needle')
    renameSync(join(folder, 'real'), join(root, 'moved'))
    symlinkSync(join(root, 'moved'), join(folder, 'real'))
    expect(read('real/a.md')).toMatchObject({ kind: 'refused', code: 'invalid' })
  })
})
