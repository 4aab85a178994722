import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { DiskGroupFiles } from './disk-group-files.ts'

const A = 'alpha' as GroupName
const NOW = 1_700_000_000_000
const HOUR = 3_600_000

let root: string
let paths: Paths
const inUse = new Set<string>()

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-group-files-'))
  paths = new Paths(join(root, 'data'), join(root, 'groups'))
  mkdirSync(paths.filesDir, { recursive: true })
  inUse.clear()
})
afterEach(() => rmSync(root, { recursive: true }))

const files = (maxBytes = 100) =>
  new DiskGroupFiles({
    paths,
    clock: { now: () => NOW as UnixMs },
    maxBytes,
    keepMs: 48 * HOUR,
    inUse: () => inUse,
  })
const hash = (digit: string) => digit.repeat(64)
/** A stored file of this size that was last used so many hours ago. */
const stored = (digit: string, bytes: number, hoursAgo = 0) => {
  const path = join(paths.filesDir, hash(digit))
  writeFileSync(path, 'x'.repeat(bytes))
  const at = (NOW - hoursAgo * HOUR) / 1000
  utimesSync(path, at, at)
  return { path, bytes }
}
const there = () => readdirSync(paths.filesIn(A)).sort()

it('gives a file a second name that its group can read, as often as it is asked', () => {
  const file = stored('a', 10)
  for (let n = 0; n < 2; n++) expect(files().give(A, `${hash('a')}.pdf`, file)).toBe(true)
  expect(there()).toEqual([`${hash('a')}.pdf`])
  expect(lstatSync(join(paths.filesIn(A), `${hash('a')}.pdf`)).ino).toBe(lstatSync(file.path).ino)
})

it('takes the oldest away to make room, and what is too old, but nothing that is waited for', () => {
  for (const [digit, hoursAgo] of [
    ['a', 10],
    ['b', 9],
    ['c', 100],
  ] as const)
    files().give(A, hash(digit), stored(digit, 30, hoursAgo))
  inUse.add(hash('a'))
  expect(files().give(A, hash('d'), stored('d', 50))).toBe(true)
  expect(there()).toEqual([hash('a'), hash('d')])
  expect(existsSync(join(paths.filesDir, hash('b')))).toBe(true)
})

it('says when there is no room, and gives nothing then', () => {
  files().give(A, hash('a'), stored('a', 80, 10))
  inUse.add(hash('a'))
  expect(files().give(A, hash('b'), stored('b', 30))).toBe(false)
  expect(there()).toEqual([hash('a')])
})

it.each(['../x', `${hash('a')}.../x`, 'a', `${hash('a')}.toolongending`])('%s is no name for one', (name) => {
  expect(() => files().give(A, name, stored('a', 1))).toThrow(/not a name/)
})
