import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { DiskFileStore } from '../../src/adapters/file-store/disk-file-store.ts'
import { openHostDb } from '../../src/adapters/sqlite/open.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import { FileRefusedError } from '../../src/domain/ports/files.ts'
import { Paths } from '../../src/paths.ts'
import { CliRig } from './cli-rig.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.error('skipped: mounting a small disk takes root')

const DISK_MB = 4

describe.skipIf(!isRoot)('with a small disk', () => {
  let cli: CliRig
  let mounted: string[]
  beforeEach(() => {
    cli = new CliRig()
    mounted = []
  })
  afterEach(() => {
    for (const folder of mounted) execFileSync('umount', ['--lazy', folder])
    cli[Symbol.dispose]()
  })

  function mount(folder: string, megabytes = DISK_MB): void {
    mkdirSync(folder, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'creel-test', folder])
    mounted.push(folder)
  }

  const filler = (folder: string) => join(folder, 'filler')

  /** Leaves no block free, or so many bytes. */
  function fill(folder: string, leave = 0): void {
    for (let size = 1024 * 1024; size >= 512; size /= 2) {
      for (let n = 0; n < 64; n++) {
        const { bavail, bsize } = statfsSync(folder)
        if (bavail * bsize < size + leave) break
        writeFileSync(filler(folder), Buffer.alloc(size), { flag: 'a' })
      }
    }
  }

  it('a backup of a full data directory works, to a disk that has room', async () => {
    mount(cli.dataDir)
    await cli.run('group', 'add', 'home')
    fill(cli.dataDir)
    const file = join(cli.folder, 'all.tar.gz')
    expect(await cli.json('backup', file)).toMatchObject({ file })
    rmSync(filler(cli.dataDir))
    const other = new CliRig()
    expect(await other.run('restore', file)).toMatchObject({ code: 0 })
    expect(readdirSync(other.groupsDir)).toEqual(['home'])
    other[Symbol.dispose]()
  })

  it('a backup that finds no room says so, and leaves nothing of it', async () => {
    await cli.run('group', 'add', 'home')
    const target = join(cli.folder, 'small')
    mount(target, 1)
    // The copy of the database fits, the backup does not; then not even the copy.
    writeFileSync(join(cli.dataDir, 'install-id.noise'), randomBytes(2_000_000))
    for (const leave of [700_000, 0]) {
      fill(target, leave)
      const refused = await cli.run('backup', join(target, 'all.tar.gz'))
      expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/enough space|has room/) })
      expect(readdirSync(target)).toEqual(['filler'])
    }
  })

  it('a restore without room for it changes nothing', async () => {
    await cli.run('group', 'add', 'home')
    mkdirSync(join(cli.groupsDir, 'home', 'workspace'), { recursive: true })
    writeFileSync(join(cli.groupsDir, 'home', 'workspace', 'big'), randomBytes(3_000_000))
    const file = join(cli.folder, 'all.tar.gz')
    await cli.run('backup', file)
    const other = new CliRig()
    mount(other.dataDir)
    mount(other.groupsDir, 2)
    await other.run('group', 'add', 'mine')
    expect(await other.run('restore', file, '--replace')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no room to unpack'),
    })
    expect(readdirSync(other.groupsDir)).toEqual(['mine'])
    expect(existsSync(join(other.dataDir, 'restore.json'))).toBe(false)
    expect(await other.json('group', 'list')).toMatchObject([{ group: 'mine' }])
    for (const folder of mounted.splice(0)) execFileSync('umount', ['--lazy', folder])
    other[Symbol.dispose]()
  })

  it('data and groups that are mounts are restored: their contents are replaced, not the folders', async () => {
    await cli.run('group', 'add', 'home')
    const file = join(cli.folder, 'all.tar.gz')
    await cli.run('backup', file)
    const other = new CliRig()
    mount(other.dataDir, 16)
    mount(other.groupsDir, 16)
    await other.run('group', 'add', 'mine')
    const { kept } = await other.json<{ kept: string[] }>('restore', file, '--replace')
    expect(readdirSync(other.groupsDir).filter((name) => !name.startsWith('.'))).toEqual(['home'])
    expect(kept.map((folder) => folder.startsWith(other.folder))).toEqual([true, true])
    expect(readdirSync(kept[1] ?? '')).toEqual(['mine'])
    expect(await other.json('group', 'list')).toMatchObject([{ group: 'home' }])
    // What was put aside is no part of the next backup.
    await other.run('backup', join(other.folder, 'again.tar.gz'))
    expect(listed(join(other.folder, 'again.tar.gz'))).not.toContain('before-restore')
    for (const folder of mounted.splice(0)) execFileSync('umount', ['--lazy', folder])
    other[Symbol.dispose]()
  })

  it('what cannot be replaced is as it was before', async () => {
    await cli.run('group', 'add', 'home')
    const file = join(cli.folder, 'all.tar.gz')
    await cli.run('backup', file)
    const other = new CliRig()
    await other.run('group', 'add', 'mine')
    await other.run('group', 'add', 'own-disk')
    // A mount cannot be renamed.
    mount(join(other.groupsDir, 'own-disk'), 1)
    expect(await other.run('restore', file, '--replace')).toMatchObject({
      code: 1,
      err: expect.stringContaining('all is as it was before'),
    })
    expect(readdirSync(other.groupsDir)).toEqual(['mine', 'own-disk'])
    expect(readdirSync(other.folder).filter((name) => name.includes('restor'))).toEqual([])
    expect(await other.json('group', 'list')).toMatchObject([{ group: 'mine' }])
    for (const folder of mounted.splice(0)) execFileSync('umount', ['--lazy', folder])
    other[Symbol.dispose]()
  })

  it('an upgrade that finds no room for the copy it makes first changes nothing, and says what to do', async () => {
    mount(cli.dataDir)
    const path = join(cli.dataDir, 'host.db')
    openHostDb(path).close()
    const db = new Database(path)
    db.exec(
      "DELETE FROM migration WHERE name LIKE '0015%'; CREATE TABLE filler AS SELECT randomblob(900000) AS bytes",
    )
    db.close()
    fill(cli.dataDir, 300_000)
    expect(() => openHostDb(path)).toThrow(
      expect.objectContaining({ code: 'unavailable', hint: expect.stringContaining('free some disk space') }),
    )
    expect(readdirSync(cli.dataDir).filter((name) => name.includes('.before-'))).toEqual([])
    const after = new Database(path, { readonly: true })
    expect(after.prepare("SELECT count(*) FROM migration WHERE name LIKE '0015%'").pluck().get()).toBe(0)
    after.close()
  })

  it('a file of an agent that finds no room is not refused: it is taken when there is room', async () => {
    mount(cli.dataDir)
    const paths = new Paths(cli.dataDir, cli.groupsDir)
    const group = 'home' as GroupName
    const bytes = randomBytes(200_000)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    mkdirSync(paths.filesOut(group), { recursive: true })
    writeFileSync(join(paths.filesOut(group), sha256), bytes)
    const store = new DiskFileStore({
      ...{ paths, clock: systemClock, maxBytes: 1e9, keepMs: 1e9 },
      inUse: () => new Set<string>(),
      onFault: () => undefined,
    })
    fill(cli.dataDir)
    const failed = await store.collect(group, sha256, bytes.length).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'unavailable' })
    expect(failed).not.toBeInstanceOf(FileRefusedError)
    rmSync(filler(cli.dataDir))
    expect(await store.collect(group, sha256, bytes.length)).toMatchObject({ sha256 })
    await store.close()
  })

  it('a secret that finds no room is refused, and the vault is as it was', async () => {
    mount(cli.dataDir)
    cli.typed.push('sk-ant-first-000000000000')
    expect(await cli.run('vault', 'set', 'first', '--host', 'a.example')).toMatchObject({ code: 0 })
    const before = readFileSync(join(cli.dataDir, 'vault', 'vault.age'))
    fill(cli.dataDir)
    cli.typed.push('sk-ant-second-00000000000')
    const refused = await cli.run('vault', 'set', 'second', '--host', 'a.example')
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/space|full/) })
    expect(refused.err).not.toContain('sk-ant-second')
    expect(readFileSync(join(cli.dataDir, 'vault', 'vault.age'))).toEqual(before)
    rmSync(filler(cli.dataDir))
    expect(await cli.json('vault', 'list')).toMatchObject({ secrets: [{ name: 'first' }] })
  })
})

function listed(file: string): string {
  return execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })
}
