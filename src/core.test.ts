import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { loadInstall } from './config/load.ts'
import { openCore } from './core.ts'
import type { GroupName } from './domain/ids.ts'

const folders: string[] = []
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function makeInstall() {
  const folder = mkdtempSync(join(tmpdir(), 'creel-core-'))
  folders.push(folder)
  return loadInstall(folder, {})
}

/** Another process opens the same data directory, and stays. */
async function holder(folder: string): Promise<ChildProcess> {
  const script = `
    import { loadInstall } from ${JSON.stringify(join(import.meta.dirname, 'config/load.ts'))}
    import { openCore } from ${JSON.stringify(join(import.meta.dirname, 'core.ts'))}
    globalThis.core = openCore(loadInstall(${JSON.stringify(folder)}, {}))
    process.stdout.write('open')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

describe('openCore', () => {
  test('takes the data directory for one at a time, and gives it back', () => {
    const install = makeInstall()
    const core = openCore(install)
    expect(() => openCore(install)).toThrow(expect.objectContaining({ code: 'conflict' }))
    core[Symbol.dispose]()
    openCore(install)[Symbol.dispose]()
  })

  test('the lock of a process that was killed is free', async () => {
    const install = makeInstall()
    const child = await holder(install.projectDir)
    expect(() => openCore(install)).toThrow(/already running/)
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    openCore(install)[Symbol.dispose]()
  })

  test('gives the lock back when the database cannot be opened', () => {
    const install = makeInstall()
    openCore(install)[Symbol.dispose]()
    const whole = readFileSync(install.paths.hostDb)
    damage(install.paths.hostDb)
    expect(() => openCore(install)).toThrow(/damaged/)
    writeFileSync(install.paths.hostDb, whole)
    openCore(install)[Symbol.dispose]()
  })

  test('keeps the id of the install for ever', () => {
    const install = makeInstall()
    const core = openCore(install)
    const id = core.installId
    core[Symbol.dispose]()
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    const again = openCore(install)
    expect(again.installId).toBe(id)
    again[Symbol.dispose]()
  })

  test('the default agent is the one named, when it is there, else the first', () => {
    const install = makeInstall()
    const core = openCore(install)
    expect(core.defaultGroup()).toBeNull()
    core.groups.add('zoo' as GroupName, {})
    core.groups.add('ant' as GroupName, {})
    expect(core.defaultGroup()).toBe('ant')
    core[Symbol.dispose]()
    const chats = { ...install.config.chats, default_group: 'zoo' }
    const named = openCore({ ...install, config: { ...install.config, chats } })
    expect(named.defaultGroup()).toBe('zoo')
    named.groups.remove('zoo' as GroupName)
    expect(named.defaultGroup()).toBeNull()
    named[Symbol.dispose]()
  })
})

function damage(path: string): void {
  writeFileSync(path, Buffer.from('this was a database. '.repeat(500)))
}
