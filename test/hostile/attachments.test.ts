// T4: what a sandbox can leave where the host looks for the files it sends. Every script runs under the real spec.
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DiskFileStore } from '../../src/adapters/file-store/disk-file-store.ts'
import { makeMailFolders } from '../../src/adapters/mailbox/mail-layout.ts'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import { FileRefusedError } from '../../src/domain/ports/files.ts'
import { whyNoEngine } from '../docker/test-image.ts'
import { TestInstall } from '../docker/test-sandbox.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

const EVIL = 'evil' as GroupName
const NEVER = new AbortController().signal
const sha = (text: string) => createHash('sha256').update(text).digest('hex')
const name = (digit: string) => digit.repeat(64)

describe.skipIf(missing)('files of a hostile sandbox', () => {
  let install: TestInstall
  let store: DiskFileStore
  const folder = () => install.paths.filesOut(EVIL)
  /** The host's word on a file, or `taken`. */
  const outcome = (hash: string, bytes: number) =>
    store.collect(EVIL, hash, bytes).then(
      () => 'taken',
      (error: unknown) => {
        if (error instanceof FileRefusedError) return error.message
        throw error
      },
    )

  beforeAll(async () => {
    install = await TestInstall.make()
    makeMailFolders(install.paths, EVIL)
    store = new DiskFileStore({
      paths: install.paths,
      clock: { now: () => Date.now() as UnixMs },
      maxBytes: 100_000_000,
      keepMs: 86_400_000,
      inUse: () => new Set(),
      onFault: (what, error) => {
        throw new Error(what, { cause: error })
      },
    })
  })
  afterAll(async () => {
    await store?.close()
    await install?.[Symbol.asyncDispose]()
  })

  test('are taken when they are plain files of the bytes that were announced', async () => {
    const output = await install.run(EVIL, `printf hello > /mail/out/files/${sha('hello')} && echo done`)
    expect(output).toContain('done')
    expect(await outcome(sha('hello'), 5)).toBe('taken')
  })

  test('are refused as links, pipes, devices, folders, giants, and under other names', async () => {
    const output = await install.run(
      EVIL,
      `cd /mail/out/files
       ln -s /etc/passwd ${name('a')}
       ln -s ../outbox.db ${name('b')}
       mkfifo ${name('c')}
       mkdir ${name('d')}
       truncate -s 100G ${name('e')}
       printf hello > one && ln one ${name('f')}
       mknod ${name('0')} c 1 5 2>&1
       ln -s /proc/1/root/etc/shadow ${name('1')}
       printf wrong > ${sha('right')}
       echo done`,
    )
    expect(output).toContain('done')
    expect(await Promise.all('abcdef01'.split('').map((digit) => outcome(name(digit), 5)))).toEqual([
      'it is a link',
      'it is a link',
      'it is not a regular file',
      'it is not a regular file',
      'it has 107374182400 bytes, more than 5',
      'it has a second name (hard link)',
      'it is not there',
      'it is a link',
    ])
    expect(await outcome(sha('right'), 5)).toMatch(/not those that were announced/)
    for (const path of ['../outbox.db', `../files/${sha('hello')}`, '/etc/passwd', `${sha('hello')}/..`])
      expect(await outcome(path, 5)).toMatch(/no hash/)
  })

  test("cannot be another group's: knowing a hash gives nothing", async () => {
    async function* secret() {
      yield Buffer.from('secret of another')
    }
    const { sha256, bytes } = await store.add(secret(), 1_000, NEVER)
    expect(await outcome(sha256, bytes)).toBe('it is not there')
  })

  test('cannot be exchanged while they are read', async () => {
    const [one, other] = ['1'.repeat(400_000), '2'.repeat(400_000)]
    const hash = sha(one)
    const swap = `cd /mail/out/files; while :; do
        head -c 400000 /dev/zero | tr '\\0' 1 > n && mv n ${hash}
        head -c 400000 /dev/zero | tr '\\0' 2 > ${hash}
        rm -f ${hash}; ln -s /etc/passwd ${hash}; rm -f ${hash}; mkfifo ${hash}; rm -f ${hash}
      done`
    const handle = await install.start(EVIL, swap)
    const outcomes = new Set<string>()
    for (let n = 0; n < 12; n++) outcomes.add(await outcome(hash, one.length))
    await install.engine.destroy(handle, { graceMs: 0 })
    expect(outcomes.size).toBeGreaterThan(0)
    const path = store.path(hash)
    if (path !== null) expect(readFileSync(path, 'utf8')).toBe(one)
    expect(store.path(sha(other))).toBeNull()
    for (const file of readdirSync(install.paths.filesDir).filter((entry) => /^[0-9a-f]{64}$/.test(entry)))
      expect(
        createHash('sha256')
          .update(readFileSync(join(install.paths.filesDir, file)))
          .digest('hex'),
      ).toBe(file)
  })

  test('lie in a folder that the sandbox cannot exchange, and those that came in cannot be written', async () => {
    writeFileSync(join(install.paths.filesIn(EVIL), 'came-in'), 'as it came')
    const inode = lstatSync(folder()).ino
    const output = await install.run(
      EVIL,
      `mv /mail/out/files /mail/out/x; rm -rf /mail/out/files; rmdir /mail/out/files; chmod 777 /mail/out/files
       echo x > /mail/in/files/came-in; rm -f /mail/in/files/came-in; ln -s / /mail/in/files/y; echo done`,
    )
    expect(output).toContain('done')
    expect(lstatSync(folder())).toMatchObject({ ino: inode })
    expect(lstatSync(folder()).mode & 0o7777).toBe(0o1777)
    expect(readdirSync(install.paths.filesIn(EVIL))).toEqual(['came-in'])
    expect(readFileSync(join(install.paths.filesIn(EVIL), 'came-in'), 'utf8')).toBe('as it came')
  })

  test('are not looked for behind a link that was there before the folder', () => {
    const fresh = 'fresh' as GroupName
    makeMailFolders(install.paths, fresh)
    rmdirSync(install.paths.filesOut(fresh))
    symlinkSync('/etc', install.paths.filesOut(fresh))
    const before = lstatSync('/etc').mode
    expect(() => makeMailFolders(install.paths, fresh)).toThrow(/the sandbox made it/)
    expect(lstatSync('/etc').mode).toBe(before)
  })
})
