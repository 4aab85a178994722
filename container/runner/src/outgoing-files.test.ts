import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAX_FILE_BYTES } from '@creel/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FileNotSent, OutgoingFiles } from './outgoing-files.ts'

const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'

let root: string
let folder: string
let files: OutgoingFiles
const logged: string[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-out-'))
  folder = join(root, 'files')
  logged.length = 0
  files = new OutgoingFiles({ folder, workspaceDir: root, log: (event) => logged.push(event) })
})
afterEach(() => rmSync(root, { recursive: true }))

const put = (name: string, text: string) => writeFileSync(join(root, name), text)
const named = (...names: string[]) => {
  const set = new Set(names)
  return () => set
}

it('keeps a copy under its hash, by a path of the workspace or an absolute one', async () => {
  put('a.txt', 'hello')
  const kept = await files.keep({ path: 'a.txt', caption: ' hi ' })
  expect(kept).toEqual({
    file: HELLO,
    name: 'a.txt',
    mime: 'application/octet-stream',
    bytes: 5,
    caption: ' hi ',
  })
  put('a.txt', 'changed afterwards')
  expect(readFileSync(join(folder, HELLO), 'utf8')).toBe('hello')
  put('b.txt', 'hello')
  expect(await files.keep({ path: join(root, 'b.txt'), name: '../x/y\n.txt' })).toMatchObject({
    file: HELLO,
    name: 'y .txt',
  })
  expect(readdirSync(folder)).toEqual([HELLO])
})

it('says why a file cannot be sent, and leaves nothing behind', async () => {
  mkdirSync(join(root, 'folder'))
  put('empty', '')
  put('large', '')
  truncateSync(join(root, 'large'), MAX_FILE_BYTES + 1)
  spawnSync('mkfifo', [join(root, 'pipe')])
  symlinkSync('/dev/zero', join(root, 'zero'))
  const cases: [string, RegExp][] = [
    ['absent', /cannot be read: ENOENT/],
    ['folder', /is not a file/],
    ['pipe', /is not a file/],
    ['zero', /is not a file/],
    ['empty', /is empty/],
    ['large', /more than the 50.0 MB/],
  ]
  for (const [path, why] of cases) {
    const error = await files.keep({ path }).catch((thrown: unknown) => thrown)
    expect(error, path).toBeInstanceOf(FileNotSent)
    expect(String(error), path).toMatch(why)
  }
  expect(readdirSync(folder)).toEqual([])
})

it('sweeps what no entry names, but not what is on its way', async () => {
  put('a.txt', 'hello')
  put('b.txt', 'other')
  const a = await files.keep({ path: 'a.txt' })
  const again = await files.keep({ path: 'a.txt' })
  const b = await files.keep({ path: 'b.txt' })
  files.release(b.file)
  files.release(a.file)
  await files.sweep(named(b.file))
  expect(readdirSync(folder).sort()).toEqual([a.file, b.file].sort())
  await files.sweep(named())
  expect(readdirSync(folder)).toEqual([a.file])
  files.release(again.file)
  await files.sweep(named())
  expect(readdirSync(folder)).toEqual([])
})

it('clears what an earlier runner left, and nothing else', async () => {
  await files.start(named())
  expect(logged).toEqual([])
  mkdirSync(folder)
  for (const name of ['.draft-1', 'f'.repeat(64), 'e'.repeat(64), 'mine'])
    writeFileSync(join(folder, name), '')
  await files.start(named('e'.repeat(64)))
  expect(readdirSync(folder).sort()).toEqual(['e'.repeat(64), 'mine'])
  expect(existsSync(join(root, 'mine'))).toBe(false)
})
