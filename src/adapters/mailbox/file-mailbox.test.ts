import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InboxEntry, InboxReader, OutboxWriter, TurnLimits } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { SANDBOX_USER } from '../../sandbox-user.ts'
import { FileMailbox } from './file-mailbox.ts'

const A = 'alpha' as GroupName
const B = 'beta' as GroupName
const AT = 1 as UnixMs
const ENTRY: InboxEntry = { type: 'cancel', inboxSeq: 1 }

let root: string
let paths: Paths
let mailbox: FileMailbox

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-mail-'))
  paths = new Paths(join(root, 'data'), join(root, 'groups'))
  mailbox = new FileMailbox({ paths, clock: { now: () => 5_000 as UnixMs } })
})

afterEach(() => {
  mailbox.close()
  rmSync(root, { recursive: true })
})

const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8)

/** A process that does `script` with the file at `path`, says so, and then stays as it is until it is killed. */
async function holder(path: string, script: string): Promise<{ kill(): Promise<void> }> {
  const code = `const D = require('better-sqlite3'); const db = new D(${JSON.stringify(path)}); ${script};
    process.stdout.write('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** Runs `action` with the rights of the account that agents run as. */
function asSandboxUser(action: () => void): void {
  process.setegid?.(SANDBOX_USER.gid)
  process.seteuid?.(SANDBOX_USER.uid)
  try {
    action()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

function thrown(action: () => unknown): CreelError {
  try {
    action()
  } catch (error) {
    if (error instanceof CreelError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('skipped: what the sandbox user may do, because only root can act as another user')

describe('folders and files', () => {
  it('have their modes whatever the umask', () => {
    const before = process.umask(0o077)
    try {
      mailbox.open(A)
    } finally {
      process.umask(before)
    }
    expect(modeOf(join(root, 'data', 'mail'))).toBe('700')
    expect(modeOf(paths.mailIn(A))).toBe('755')
    expect(modeOf(paths.inbox(A))).toBe('644')
    expect(modeOf(paths.mailOut(A))).toBe('1777')
    expect(modeOf(paths.outbox(A))).toBe('666')
  })

  it.runIf(isRoot)('let the sandbox user write rows and files of its own, but replace nothing', () => {
    mailbox.open(A)
    mailbox.put(A, 'k', ENTRY, AT)
    // A sandbox comes in through its mounts; here it must be able to walk there.
    for (const path of [root, paths.dataDir, join(root, 'data', 'mail'), join(root, 'data', 'mail', A)])
      chmodSync(path, 0o711)
    asSandboxUser(() => {
      using writer = new OutboxWriter(paths.outbox(A))
      writer.append([{ type: 'reply', inboxSeq: 1, text: 'x' }], 1)
      using reader = new InboxReader(paths.inbox(A))
      expect(reader.after(0, 10)).toHaveLength(1)
      writeFileSync(paths.heartbeat(A), '')
      const mine = join(paths.mailOut(A), 'mine')
      writeFileSync(mine, '')
      for (const attempt of [
        () => rmSync(paths.outbox(A)),
        () => renameSync(paths.outbox(A), `${paths.outbox(A)}.old`),
        () => renameSync(mine, paths.outbox(A)),
        () => chmodSync(paths.outbox(A), 0o600),
        () => writeFileSync(paths.inbox(A), ''),
        () => writeFileSync(join(paths.mailIn(A), 'planted'), ''),
      ])
        expect(attempt).toThrow(expect.objectContaining({ code: expect.stringMatching(/^E(PERM|ACCES)$/) }))
    })
    expect(mailbox.heartbeatAt(A)).toBe(5_000)
  })

  it('keep an outbox that is there, byte for byte', () => {
    mailbox.open(A)
    {
      using writer = new OutboxWriter(paths.outbox(A))
      writer.append([{ type: 'reply', inboxSeq: 1, text: 'kept' }], 1)
    }
    const before = readFileSync(paths.outbox(A))
    mailbox.open(A)
    expect(readFileSync(paths.outbox(A))).toEqual(before)
    rmSync(paths.outbox(A))
    symlinkSync('/nowhere', paths.outbox(A))
    mailbox.open(A)
    expect(lstatSync(paths.outbox(A)).isSymbolicLink()).toBe(true)
  })

  it('are made anew when the group was removed while its inbox was open', () => {
    mailbox.put(A, 'k', ENTRY, AT)
    rmSync(join(root, 'data', 'mail', A), { recursive: true })
    mailbox.open(A)
    expect(mailbox.put(A, 'k', ENTRY, AT)).toBe(1)
    using reader = new InboxReader(paths.inbox(A))
    expect(reader.after(0, 10)).toHaveLength(1)
  })

  it('leave no draft of the settings', () => {
    mailbox.open(A)
    writeFileSync(`${paths.settings(A)}.new`, 'half')
    const settings = {
      protocol: 1,
      group: A,
      provider: 'demo',
      instructions: '',
      fragments: [],
      mcpServers: {},
      concurrency: 1,
      turnTimeoutMs: 1,
      limits: TurnLimits.parse({}),
      maxAttempts: 1,
      pollMs: 1,
    }
    mailbox.writeSettings(A, settings)
    expect(modeOf(paths.settings(A))).toBe('644')
    expect(lstatSync(`${paths.settings(A)}.new`, { throwIfNoEntry: false })).toBeUndefined()
  })
})

describe('trouble', () => {
  it('rolls back what a killed host left half done', async () => {
    mailbox.put(A, 'k', ENTRY, AT)
    mailbox.close()
    const half = await holder(
      paths.inbox(A),
      `db.pragma('cache_size = 1'); db.exec('BEGIN'); const s = db.prepare('INSERT INTO entry VALUES (?, 1, ?, ?, ?)');
       for (let i = 2; i < 500; i++) s.run(i, 'k' + i, 'x', 'y'.repeat(1000))`,
    )
    await half.kill()
    expect(lstatSync(`${paths.inbox(A)}-journal`).size).toBeGreaterThan(0)
    mailbox.open(A)
    expect(lstatSync(`${paths.inbox(A)}-journal`, { throwIfNoEntry: false })).toBeUndefined()
    using reader = new InboxReader(paths.inbox(A))
    expect(reader.after(0, 10).map((row) => row.seq)).toEqual([1])
  })

  it('says that a held lock is to be waited for, writes nothing then, and goes on afterwards', async () => {
    mailbox.put(A, 'k1', ENTRY, AT)
    const lock = await holder(paths.inbox(A), `db.exec('BEGIN'); db.prepare('SELECT * FROM entry').all()`)
    const error = thrown(() => mailbox.put(A, 'k2', ENTRY, AT))
    expect(error).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('lock') })
    expect(mailbox.put(B, 'k1', ENTRY, AT)).toBe(1)
    await lock.kill()
    expect(mailbox.put(A, 'k2', ENTRY, AT)).toBe(2)
  })

  it('refuses an inbox of another protocol, and a damaged one', async () => {
    mailbox.open(A)
    mailbox.close()
    const other = await holder(paths.inbox(A), `db.pragma('user_version = 99')`)
    await other.kill()
    expect(thrown(() => mailbox.open(A))).toMatchObject({ code: 'invalid' })
    expect(thrown(() => mailbox.open(A)).message).toContain('expected mailbox protocol 1, got 99')
    writeFileSync(paths.inbox(A), 'x'.repeat(5_000))
    expect(thrown(() => mailbox.open(A))).toMatchObject({ code: 'invalid' })
  })

  it('names the path that is in the way', () => {
    mailbox.open(A)
    writeFileSync(join(root, 'data', 'mail', B), 'a file')
    expect(thrown(() => mailbox.open(B)).message).toContain(join('mail', B))
  })
})

it('never follows a heartbeat that is a link, a folder or a device', () => {
  mailbox.open(A)
  symlinkSync('/etc/passwd', paths.heartbeat(A))
  expect(mailbox.heartbeatAt(A)).toBeNull()
  rmSync(paths.heartbeat(A))
  writeFileSync(paths.heartbeat(A), '')
  chmodSync(paths.heartbeat(A), 0)
  expect(mailbox.heartbeatAt(A)).toBe(5_000)
})
