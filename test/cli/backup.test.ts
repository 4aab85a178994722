import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { OutboxWriter } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { FileMailbox } from '../../src/adapters/mailbox/file-mailbox.ts'
import { readOutbox } from '../../src/adapters/outbox-reader/read-outbox.ts'
import type { GroupName, UserId } from '../../src/domain/ids.ts'
import { CliRig } from './cli-rig.ts'

const HOME = 'home' as GroupName

let cli: CliRig
let other: CliRig
let file: string
beforeEach(async () => {
  cli = new CliRig()
  other = new CliRig()
  file = join(cli.folder, 'all.tar.gz')
  await cli.run('group', 'add', 'home')
})
afterEach(() => {
  cli[Symbol.dispose]()
  other[Symbol.dispose]()
})

const workspace = (rig: CliRig, name: string) => join(rig.groupsDir, 'home', 'workspace', name)

/** Two messages for the agent home: the first answered, the second in its inbox. */
function twoMessages(): void {
  using core = cli.core()
  const mailbox = new FileMailbox({ paths: core.install.paths, clock: systemClock })
  const now = core.clock.now()
  for (const n of [1, 2]) {
    core.inbound.record(
      {
        address: { channel: 'telegram', account: 'main', chat: '7' },
        chatKind: 'private',
        chatTitle: 'Ann',
        platformMessageId: `m${n}`,
        sender: { id: 'telegram:5' as UserId, name: 'Ann', isBot: false },
        text: `message ${n}`,
        sentAt: now,
        mentionsUs: true,
      },
      now,
    )
    const chat = core.inbound.chatsWithNew()[0]
    const row = chat === undefined ? null : core.inbound.nextNew(chat)
    if (!row) throw new Error('not recorded')
    core.inbound.routed(row.id, 'routed', null, [{ group: HOME, session: 's' }], now)
    const inboxSeq = mailbox.put(HOME, `message:${row.id}`, { type: 'cancel', inboxSeq: 9 }, now)
    core.dispatches.placed(HOME, [{ inboundId: row.id, inboxSeq, told: [] }])
  }
  const settled = [{ inboxSeq: 1, outcome: 'done' as const, reason: null }]
  core.outboxes.record(HOME, { cursor: 5, accepted: [], deliveries: [], settled, rejected: 0 }, now)
  mailbox.close()
}

describe('backup and restore', () => {
  it('bring everything to another place, links as links', async () => {
    mkdirSync(join(cli.groupsDir, 'home', 'workspace'))
    writeFileSync(workspace(cli, 'notes.txt'), 'remember the milk', { mode: 0o640 })
    writeFileSync(workspace(cli, 'large.bin'), Buffer.alloc(1_500_000, 7))
    symlinkSync('/etc/hostname', workspace(cli, 'link'))
    execFileSync('mkfifo', [workspace(cli, 'fifo')])
    mkdirSync(join(cli.dataDir, 'vault'))
    writeFileSync(join(cli.dataDir, 'vault', 'vault.age'), 'sealed')
    const report = await cli.json<{ files: number; skipped: object[] }>('backup', file)
    expect(report.skipped).toEqual([
      { name: 'groups/home/workspace/fifo', why: 'neither file, folder nor link' },
    ])
    expect(statSync(file).mode & 0o777).toBe(0o600)

    expect(await other.json('restore', file)).toMatchObject({ files: report.files, kept: [] })
    expect(readFileSync(workspace(other, 'notes.txt'), 'utf8')).toBe('remember the milk')
    expect(statSync(workspace(other, 'notes.txt')).mode & 0o777).toBe(0o640)
    expect(readFileSync(workspace(other, 'large.bin'))).toEqual(Buffer.alloc(1_500_000, 7))
    expect(readlinkSync(workspace(other, 'link'))).toBe('/etc/hostname')
    expect(readFileSync(join(other.dataDir, 'vault', 'vault.age'), 'utf8')).toBe('sealed')
    expect(await other.json('group', 'list')).toMatchObject([{ group: 'home' }])
  })

  it('give what was not answered to its agent again, behind all positions that were used', async () => {
    twoMessages()
    await cli.run('backup', file)
    await other.run('restore', file)
    using core = other.core()
    expect(core.dispatches.pending(HOME, 10)).toMatchObject([{ inboundId: 2 }])
    expect(core.outboxes.cursor(HOME)).toBe(5)
    const { paths } = core.install
    const mailbox = new FileMailbox({ paths, clock: systemClock })
    expect(mailbox.put(HOME, 'next', { type: 'cancel', inboxSeq: 1 }, systemClock.now())).toBe(3)
    mailbox.close()
    const outbox = new OutboxWriter(paths.outbox(HOME))
    expect(outbox.append([{ type: 'reply', inboxSeq: 3, text: 'hello' }], 1)).toBe(6)
    outbox[Symbol.dispose]()
    expect(readOutbox(paths.outbox(HOME), 5, 10)).toMatchObject({ kind: 'entries', items: [{ seq: 6 }] })
  })

  it('is refused over data that is there, unless told; then that is kept aside', async () => {
    await cli.run('backup', file)
    await other.run('group', 'add', 'mine')
    const refused = await other.run('restore', file)
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('there is data here already') })
    const { kept } = await other.json<{ kept: string[] }>('restore', file, '--replace')
    expect(kept).toHaveLength(2)
    expect(readdirSync(other.groupsDir)).toEqual(['home'])
    expect(readdirSync(kept[1] ?? '')).toEqual(['mine'])
  })

  it('is refused while a host runs', async () => {
    await cli.run('backup', file)
    using _core = other.core()
    const refused = await other.run('restore', file, '--replace')
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('already running') })
  })

  it.each([
    ['cut off', () => truncateSync(file, statSync(file).size - 200)],
    [
      'changed',
      () => {
        const bytes = readFileSync(file)
        const middle = Math.floor(bytes.length / 2)
        bytes[middle] = (bytes[middle] ?? 0) ^ 0xff
        writeFileSync(file, bytes)
      },
    ],
    ['something else', () => writeFileSync(file, 'no backup at all')],
  ])('a file that is %s is refused, and nothing is changed', async (_, damage) => {
    mkdirSync(join(cli.groupsDir, 'home', 'workspace'))
    writeFileSync(
      workspace(cli, 'random.bin'),
      Buffer.from(Array.from({ length: 50_000 }, (_v, n) => (n * 7919) % 251)),
    )
    await cli.run('backup', file)
    damage()
    await other.run('group', 'add', 'mine')
    const refused = await other.run('restore', file, '--replace')
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('damaged or not a backup') })
    expect(readdirSync(other.groupsDir)).toEqual(['mine'])
    expect(existsSync(`${other.dataDir}.restoring`)).toBe(false)
  })

  it('a tar that names a place outside is refused', async () => {
    const evil = join(cli.folder, 'evil')
    mkdirSync(evil)
    writeFileSync(join(evil, 'x'), 'evil')
    execFileSync('tar', ['-czf', file, '--transform', 's,^x,data/../../escaped,', '-P', '-C', evil, 'x'])
    const refused = await other.run('restore', file)
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('names a place that is none')
    expect(existsSync(join(other.folder, 'escaped'))).toBe(false)
  })

  it('without anything to save says so', async () => {
    const refused = await other.run('backup', file)
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('there is nothing to save') })
  })
})
