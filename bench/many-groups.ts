import { cpSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemClock } from '../src/adapters/clock/system-clock.ts'
import { ensureDataDir } from '../src/adapters/folders/data-dir.ts'
import { GroupRegistry } from '../src/adapters/groups/group-registry.ts'
import { FileMailbox } from '../src/adapters/mailbox/file-mailbox.ts'
import { SqliteDirectoryStore } from '../src/adapters/sqlite/directory-store.ts'
import { SqliteDispatchStore } from '../src/adapters/sqlite/dispatch-store.ts'
import { SqliteInboundStore } from '../src/adapters/sqlite/inbound-store.ts'
import { openHostDb } from '../src/adapters/sqlite/open.ts'
import { SqliteOutboxStore } from '../src/adapters/sqlite/outbox-store.ts'
import type { GroupName, UserId } from '../src/domain/ids.ts'
import type { BindingSettings } from '../src/domain/ports/stores.ts'
import type { Paths } from '../src/paths.ts'

const BINDING: BindingSettings = { engage: 'always', session: 'shared', senders: 'open', queue: 'follow_up' }

/**
 * An install with so many demo groups `g0`, `g1`, …, their mail made, each bound to the bench channel's chat of its
 * number, and with so many earlier conversations each. Written without waiting for the disk: it is not what is measured.
 */
export function makeGroups(paths: Paths, groups: number, sessions = 0): void {
  ensureDataDir(paths.dataDir)
  const registry = new GroupRegistry(paths)
  const db = openHostDb(paths.hostDb)
  db.pragma('synchronous = OFF')
  const directory = new SqliteDirectoryStore(db)
  const inbound = new SqliteInboundStore(db)
  const dispatches = new SqliteDispatchStore(db)
  const outboxes = new SqliteOutboxStore(db)
  const now = systemClock.now()
  const bindChat = (chat: string, group: GroupName) => {
    const address = { channel: 'bench', account: 'main', chat }
    const { id } = directory.chatFor(address, 'private', 'bench', now)
    directory.bind(id, group, BINDING, now)
    return { address, id }
  }
  for (let n = 0; n < groups; n++) {
    const group = `g${n}` as GroupName
    registry.add(group, { provider: 'demo' })
    copyMail(paths, group)
    bindChat(`chat${n}`, group)
    for (let m = 1; m <= sessions; m++) {
      const { address, id } = bindChat(`chat${n}-${m}`, group)
      const sender = { id: `bench:${m}` as UserId, name: 'bench', isBot: false }
      const said = { chatKind: 'private', chatTitle: 'bench', text: 'hello', mentionsUs: true } as const
      inbound.record({ ...said, address, sender, platformMessageId: '1', sentAt: now }, now)
      const row = inbound.nextNew(id)
      if (!row) throw new Error('the message was not recorded')
      inbound.routed(row.id, 'routed', null, [{ group, session: `chat:${id}` }], now)
      dispatches.placed(group, [{ inboundId: row.id, inboxSeq: m, told: [] }])
      const settled = [{ inboxSeq: m, outcome: 'done' as const, reason: null }]
      outboxes.record(group, { ...NOTHING, cursor: m, settled }, now)
    }
  }
  db.close()
}

const NOTHING = { accepted: [], deliveries: [], rejected: 0 }

/** The files of the first group serve as a pattern for the others: to make each with its syncs takes minutes. */
function copyMail(paths: Paths, group: GroupName): void {
  const first = 'g0' as GroupName
  if (group !== first) {
    cpSync(dirname(paths.mailIn(first)), dirname(paths.mailIn(group)), { recursive: true, mode: 0 })
    return
  }
  const mailbox = new FileMailbox({ paths, clock: systemClock })
  mailbox.open(group)
  mailbox.close()
}
