import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GroupName } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { ensureDataDir } from './data-dir.ts'
import { prepareGroupFolders } from './group-folders.ts'

const A = 'alpha' as GroupName

let root: string
let paths: Paths

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-folders-'))
  paths = new Paths(join(root, 'data'), join(root, 'groups'))
})
afterEach(() => rmSync(root, { recursive: true }))

const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8)
const ours = process.getuid?.() ?? 1000

if (ours !== 0) console.warn('skipped: giving folders away, because only root can')

describe('group folders', () => {
  it.runIf(ours === 0)('are given to the sandbox user when the host is root', () => {
    prepareGroupFolders(paths, A, 0)
    prepareGroupFolders(paths, A, 0)
    for (const path of [paths.home(A), paths.workspace(A), paths.memory(A)])
      expect(lstatSync(path)).toMatchObject({ uid: 10001, gid: 10001 })
    expect([modeOf(paths.home(A)), modeOf(paths.workspace(A))]).toEqual(['700', '750'])
    expect(lstatSync(paths.groupDir(A)).uid).toBe(0)
  })

  it('are open inside a folder that only the host can enter when it is not root, whatever the umask', () => {
    const before = process.umask(0o077)
    try {
      prepareGroupFolders(paths, A, 1000)
    } finally {
      process.umask(before)
    }
    const folders = [paths.home(A), paths.workspace(A), paths.memory(A), paths.groupDir(A)]
    expect(folders.map(modeOf)).toEqual(['777', '777', '777', '700'])
  })

  it('leave alone what an agent has put into them', () => {
    prepareGroupFolders(paths, A, 1000)
    const file = join(paths.workspace(A), 'mine')
    writeFileSync(file, '')
    chmodSync(file, 0o600)
    prepareGroupFolders(paths, A, ours)
    expect(modeOf(file)).toBe('600')
    expect(lstatSync(file).uid).toBe(ours)
  })

  it.each(['workspace', 'memory', 'home'] as const)('refuse a link in place of %s', (which) => {
    const path = paths[which](A)
    const target = join(root, 'elsewhere')
    mkdirSync(target, { mode: 0o700 })
    mkdirSync(join(path, '..'), { recursive: true })
    symlinkSync(target, path)
    expect(() => prepareGroupFolders(paths, A, ours)).toThrow('is a symbolic link')
    expect(lstatSync(target)).toMatchObject({ uid: ours })
    expect(modeOf(target)).toBe('700')
    rmSync(path)
    symlinkSync('/nowhere', path)
    expect(() => prepareGroupFolders(paths, A, ours)).toThrow('is a symbolic link')
  })
})

describe('data directory', () => {
  it('is made for the host alone and taken over when it exists', () => {
    ensureDataDir(join(root, 'deep', 'data'))
    expect(modeOf(join(root, 'deep', 'data'))).toBe('700')
    chmodSync(join(root, 'deep', 'data'), 0o755)
    ensureDataDir(join(root, 'deep', 'data'))
    expect(modeOf(join(root, 'deep', 'data'))).toBe('700')
  })

  it('says so when a file is in its place or above it', () => {
    writeFileSync(join(root, 'file'), '')
    for (const path of [join(root, 'file'), join(root, 'file', 'data')])
      expect(() => ensureDataDir(path)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it('says what to do when it cannot be written', () => {
    expect(() => ensureDataDir('/proc/creel')).toThrow(
      expect.objectContaining({ code: 'unavailable', hint: expect.stringContaining('data_dir') }),
    )
  })
})
