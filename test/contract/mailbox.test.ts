import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InboxReader } from '@creel/protocol'
import { FileMailbox } from '../../src/adapters/mailbox/file-mailbox.ts'
import type { UnixMs } from '../../src/domain/ids.ts'
import { Paths } from '../../src/paths.ts'
import { FakeMailbox } from '../fakes/fake-mailbox.ts'
import { type MailboxWorld, mailboxContract } from './mailbox.ts'

const NOW = 1_800_000_000_000 as UnixMs
const clock = { now: () => NOW }

mailboxContract('files', async () => fileWorld(64))
mailboxContract('files, one inbox open at a time', async () => fileWorld(1))
mailboxContract('fake', async () => fakeWorld())

function fileWorld(maxOpen: number): MailboxWorld {
  const root = mkdtempSync(join(tmpdir(), 'creel-mailbox-'))
  const paths = new Paths(join(root, 'data'), join(root, 'groups'))
  const mailbox = new FileMailbox({ paths, clock, maxOpen })
  return {
    mailbox,
    now: NOW,
    readInbox(group) {
      using reader = new InboxReader(paths.inbox(group))
      return reader.after(0, 100)
    },
    readSettings: (group) => JSON.parse(readFileSync(paths.settings(group), 'utf8')),
    beat(group, at) {
      writeFileSync(paths.heartbeat(group), '')
      utimesSync(paths.heartbeat(group), at / 1000, at / 1000)
    },
    async [Symbol.asyncDispose]() {
      mailbox.close()
      rmSync(root, { recursive: true })
    },
  }
}

function fakeWorld(): MailboxWorld {
  const mailbox = new FakeMailbox(clock)
  return {
    mailbox,
    now: NOW,
    readInbox: (group) => mailbox.rows(group).map(({ seq, entry }) => ({ seq, entry })),
    readSettings: (group) => mailbox.settings.get(group),
    beat: (group, at) => mailbox.beats.set(group, at as UnixMs),
    async [Symbol.asyncDispose]() {
      mailbox.close()
    },
  }
}
