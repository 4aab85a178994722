import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
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
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import { FileRefusedError } from '../../domain/ports/files.ts'
import { Paths } from '../../paths.ts'
import { DiskFileStore } from './disk-file-store.ts'

const A = 'alpha' as GroupName
const LIMIT = 1_000_000
const NEVER = new AbortController().signal
/** One transparent pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

let root: string
let paths: Paths
let store: DiskFileStore
let now = 0
const inUse = new Set<string>()
const faults: string[] = []

const open = (deadlineMs?: number) =>
  new DiskFileStore({
    paths,
    clock: { now: () => now as UnixMs },
    maxBytes: 100,
    keepMs: 10 * 86_400_000,
    inUse: () => inUse,
    onFault: (what, error) => faults.push(`${what}: ${error}`),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  })

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-store-'))
  paths = new Paths(join(root, 'data'), join(root, 'groups'))
  mkdirSync(paths.filesOut(A), { recursive: true })
  now = 1_700_000_000_000
  inUse.clear()
  faults.length = 0
  store = open()
})
afterEach(async () => {
  await store.close()
  expect(faults).toEqual([])
  rmSync(root, { recursive: true })
})

const sha = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
async function* pieces(...texts: (string | Uint8Array)[]) {
  for (const text of texts) yield Buffer.from(text)
}
const add = (...texts: (string | Uint8Array)[]) => store.add(pieces(...texts), LIMIT, NEVER)
const kept = () => readdirSync(paths.filesDir).sort()

describe('files that are taken in', () => {
  it('are kept once, under their hash, with what they really are', async () => {
    const [text, again] = await Promise.all([add('hel', 'lo'), add('hello')])
    expect(text).toEqual({ sha256: sha('hello'), bytes: 5, image: null })
    expect(again).toEqual(text)
    expect(readFileSync(store.path(text.sha256) ?? '', 'utf8')).toBe('hello')
    const image = await add(PNG)
    expect(image.image).toEqual({ mime: 'image/png', width: 1, height: 1 })
    expect(kept()).toEqual([sha('hello'), sha(PNG), 'incoming'].sort())
    expect(readdirSync(join(paths.filesDir, 'incoming'))).toEqual([])
  })

  it('leave nothing behind when they are too long, cut off or stopped', async () => {
    await expect(store.add(pieces('x'.repeat(11)), 10, NEVER)).rejects.toThrow(FileRefusedError)
    async function* broken() {
      yield Buffer.from('half')
      throw new Error('cut')
    }
    await expect(store.add(broken(), LIMIT, NEVER)).rejects.toThrow('cut')
    await expect(store.add(pieces('x'), LIMIT, AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
    expect(kept()).toEqual(['incoming'])
    expect(readdirSync(join(paths.filesDir, 'incoming'))).toEqual([])
  })

  it('go when they are old, but not while something waits for them', async () => {
    const old = await add('old')
    const waited = await add('waited for')
    inUse.add(waited.sha256)
    now += 11 * 86_400_000
    const fresh = await add('new')
    expect([old, waited, fresh].map(({ sha256 }) => store.path(sha256) !== null)).toEqual([false, true, true])
    inUse.clear()
    await store.sweep()
    expect(kept()).toEqual([fresh.sha256, 'incoming'].sort())
  })

  it('make room, the oldest first, and are refused when there is none', async () => {
    const first = await add('a'.repeat(60))
    now += 86_400_000
    const second = await add('b'.repeat(30))
    now += 86_400_000
    await add('c'.repeat(50))
    expect([store.path(first.sha256), store.path(second.sha256) !== null]).toEqual([null, true])
    await expect(add('d'.repeat(80))).rejects.toThrow(/no room/)
  })

  it.each(['../etc/passwd', 'incoming', '', 'A'.repeat(64)])('%j is no name of one', (name) => {
    expect(store.path(name)).toBeNull()
  })
})

describe('a file that a sandbox left', () => {
  const at = (name: string) => join(paths.filesOut(A), name)
  const leave = (text: string | Uint8Array) => writeFileSync(at(sha(text)), text)
  const refusal = (name: string, bytes: number) =>
    store.collect(A, name, bytes).then(
      () => 'taken',
      (error: unknown) => (error instanceof FileRefusedError ? error.message : error),
    )

  it('is taken when it is what it was said to be, as often as it is asked for', async () => {
    leave(PNG)
    const image = { mime: 'image/png', width: 1, height: 1 }
    for (let n = 0; n < 2; n++)
      expect(await store.collect(A, sha(PNG), PNG.length)).toEqual({ sha256: sha(PNG), bytes: 70, image })
    expect(existsSync(at(sha(PNG)))).toBe(true)
  })

  it('is refused when it is anything but a plain file', async () => {
    const secret = join(root, 'secret')
    writeFileSync(secret, 'secret')
    const name = (digit: string) => digit.repeat(64)
    symlinkSync(secret, at(name('a')))
    linkSync(secret, at(name('b')))
    spawnSync('mkfifo', [at(name('c'))])
    mkdirSync(at(name('d')))
    symlinkSync('/dev/zero', at(name('e')))
    writeFileSync(at(name('f')), '')
    truncateSync(at(name('f')), 100_000_000_000)
    const answers = await Promise.all('abcdef0'.split('').map((digit) => refusal(name(digit), 6)))
    expect(answers).toEqual([
      'it is a link',
      'it has a second name (hard link)',
      'it is not a regular file',
      'it is not a regular file',
      'it is a link',
      'it has 100000000000 bytes, more than 6',
      'it is not there',
    ])
    expect(kept()).toEqual(['incoming'])
  })

  it('is refused when its bytes are others than announced, or its name is a path', async () => {
    writeFileSync(at(sha('hello')), 'other')
    leave('short')
    expect(await refusal(sha('hello'), 5)).toMatch(/not those that were announced/)
    expect(await refusal(sha('short'), 6)).toMatch(/not those that were announced/)
    expect(await refusal('../outbox.db', 5)).toMatch(/no hash/)
    expect(kept()).toEqual(['incoming'])
  })

  it('is refused behind a folder that is a link', async () => {
    rmSync(paths.filesOut(A), { recursive: true })
    mkdirSync(join(root, 'elsewhere'))
    writeFileSync(join(root, 'elsewhere', sha('hello')), 'hello')
    symlinkSync(join(root, 'elsewhere'), paths.filesOut(A))
    expect(await refusal(sha('hello'), 5)).toBe('it does not lie where it should')
  })

  it('costs a deadline at most', async () => {
    await store.close()
    store = open(1)
    leave('hello')
    expect(await refusal(sha('hello'), 5)).toBe('it took too long to read')
  })
})
