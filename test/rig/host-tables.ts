import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { pino } from 'pino'
import { SqliteApprovalStore } from '../../src/adapters/sqlite/approval-store.ts'
import { SqliteAttachmentStore } from '../../src/adapters/sqlite/attachment-store.ts'
import { SqliteChatMessages } from '../../src/adapters/sqlite/chat-messages-store.ts'
import { SqliteDeliveryStore } from '../../src/adapters/sqlite/delivery-store.ts'
import { SqliteDirectoryStore } from '../../src/adapters/sqlite/directory-store.ts'
import { SqliteDispatchStore } from '../../src/adapters/sqlite/dispatch-store.ts'
import { SqliteHostCallStore } from '../../src/adapters/sqlite/host-call-store.ts'
import { SqliteInboundStore } from '../../src/adapters/sqlite/inbound-store.ts'
import { openHostDb } from '../../src/adapters/sqlite/open.ts'
import { SqliteOutboxStore } from '../../src/adapters/sqlite/outbox-store.ts'
import { SqliteOverviewStore } from '../../src/adapters/sqlite/overview-store.ts'
import { SqlitePairingCodes } from '../../src/adapters/sqlite/pairing-store.ts'
import { SqlitePeople } from '../../src/adapters/sqlite/person-store.ts'
import { SqliteProgressNotes } from '../../src/adapters/sqlite/progress-note-store.ts'
import { SqliteRoleStore } from '../../src/adapters/sqlite/role-store.ts'
import { SqliteSessionChoices } from '../../src/adapters/sqlite/session-choice-store.ts'
import { SqliteSharedCommits } from '../../src/adapters/sqlite/shared-commits.ts'
import { SqliteTaskStore } from '../../src/adapters/sqlite/task-store.ts'
import { SqliteTranscriptStore } from '../../src/adapters/sqlite/transcript-store.ts'
import { SqliteUsageStore } from '../../src/adapters/sqlite/usage-store.ts'
import { SqliteWaitingStore } from '../../src/adapters/sqlite/waiting-store.ts'
import type { ChatId, GroupName, UserId } from '../../src/domain/ids.ts'
import type { InboundMessage } from '../../src/domain/message.ts'
import type { BindingSettings, DispatchPlan, InboundRow } from '../../src/domain/ports/stores.ts'
import { Events } from '../../src/events.ts'
import { FakeClock } from '../fakes/fake-clock.ts'

export const GARDEN = 'garden' as GroupName
export const KITCHEN = 'kitchen' as GroupName
export const ALICE = 'fake:alice' as UserId
export const OWNER = 'fake:owner' as UserId

export const silentLog = pino({ level: 'silent' })

/** A host.db of its own with every store on it, and hands to put things there. */
export class HostTables implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-tables-'))
  readonly path = join(this.folder, 'host.db')
  readonly clock = new FakeClock()
  readonly events = new Events(silentLog)
  readonly db: Database.Database
  readonly commits: SqliteSharedCommits
  readonly inbound: SqliteInboundStore
  readonly waiting: SqliteWaitingStore
  readonly attachments: SqliteAttachmentStore
  readonly transcripts: SqliteTranscriptStore
  readonly approvals: SqliteApprovalStore
  readonly hostCalls: SqliteHostCallStore
  readonly directory: SqliteDirectoryStore
  readonly roles: SqliteRoleStore
  readonly people: SqlitePeople
  readonly pairings: SqlitePairingCodes
  readonly dispatches: SqliteDispatchStore
  readonly deliveries: SqliteDeliveryStore
  readonly messages: SqliteChatMessages
  readonly outboxes: SqliteOutboxStore
  readonly tasks: SqliteTaskStore
  readonly overview: SqliteOverviewStore
  readonly usage: SqliteUsageStore
  readonly choices: SqliteSessionChoices
  readonly notes: SqliteProgressNotes
  #messages = 0

  constructor() {
    this.db = openHostDb(this.path)
    this.commits = new SqliteSharedCommits(this.db)
    this.inbound = new SqliteInboundStore(this.db, { transcribes: true })
    this.transcripts = new SqliteTranscriptStore(this.db)
    this.waiting = new SqliteWaitingStore(this.db)
    this.attachments = new SqliteAttachmentStore(this.db)
    this.approvals = new SqliteApprovalStore(this.db)
    this.hostCalls = new SqliteHostCallStore(this.db)
    this.directory = new SqliteDirectoryStore(this.db)
    this.roles = new SqliteRoleStore(this.db)
    this.people = new SqlitePeople(this.db)
    this.pairings = new SqlitePairingCodes(this.db, (user, now) => this.roles.grant(user, 'owner', null, now))
    this.dispatches = new SqliteDispatchStore(this.db)
    this.deliveries = new SqliteDeliveryStore(this.db)
    this.messages = new SqliteChatMessages(this.db)
    this.outboxes = new SqliteOutboxStore(this.db)
    this.tasks = new SqliteTaskStore(this.db)
    this.overview = new SqliteOverviewStore(this.db)
    this.usage = new SqliteUsageStore(this.db)
    this.choices = new SqliteSessionChoices(this.db)
    this.notes = new SqliteProgressNotes(this.db)
  }

  message(text: string, part: Partial<InboundMessage> = {}): InboundMessage {
    this.#messages += 1
    return {
      address: { channel: 'fake', account: 'main', chat: 'room' },
      chatKind: 'group',
      chatTitle: 'Room',
      platformMessageId: `m${this.#messages}`,
      sender: { id: ALICE, name: 'Alice', isBot: false },
      text,
      sentAt: this.clock.now(),
      mentionsUs: false,
      ...part,
    }
  }

  /** Records a message and returns its row, not yet routed. */
  receive(text: string, part: Partial<InboundMessage> = {}): InboundRow {
    const message = this.message(text, part)
    if (this.inbound.record(message, this.clock.now()) !== 'new') throw new Error(`${text} is not new`)
    const row = this.db.prepare<[], { id: number }>('SELECT max(id) AS id FROM inbound').get()
    const found = this.inbound.find(row?.id as InboundRow['id'])
    if (!found) throw new Error(`${text} was not recorded`)
    return found
  }

  /** A message that the group has been given; returns its row. */
  give(group: GroupName, text: string, part: Partial<InboundMessage> = {}, session = 's'): InboundRow {
    const row = this.receive(text, part)
    const plans: DispatchPlan[] = [{ group, session }]
    this.inbound.routed(row.id, 'routed', null, plans, this.clock.now())
    return row
  }

  /** The same, and it stands in the inbox at `seq`. */
  place(
    group: GroupName,
    seq: number,
    text = `message ${seq}`,
    part: Partial<InboundMessage> = {},
  ): InboundRow {
    const row = this.give(group, text, part)
    this.dispatches.placed(group, [{ inboundId: row.id, inboxSeq: seq, told: [] }])
    return row
  }

  settle(group: GroupName, inboxSeq: number): void {
    const cursor = this.outboxes.cursor(group) + 1
    const settled = [{ inboxSeq, outcome: 'done' as const, reason: null }]
    this.outboxes.record(
      group,
      { cursor, accepted: [], deliveries: [], settled, rejected: 0 },
      this.clock.now(),
    )
  }

  /** Lets a chat be answered by a group. */
  bind(chatId: ChatId, group: GroupName, settings: Partial<BindingSettings> = {}) {
    const all: BindingSettings = {
      engage: 'always',
      session: 'shared',
      senders: 'open',
      queue: 'follow_up',
      ...settings,
    }
    return this.directory.bind(chatId, group, all, this.clock.now())
  }

  /** The chat that messages come from unless they say otherwise. */
  room(chat = 'room'): ChatId {
    const address = { channel: 'fake', account: 'main', chat }
    return this.directory.chatFor(address, 'group', 'Room', this.clock.now()).id
  }

  /** Everything that goes out, in order. */
  outgoing(): {
    part: string
    state: string
    key: string
    ambiguous: number
    attempts: number
    reason: string | null
  }[] {
    return this.db
      .prepare<
        [],
        {
          part: string
          state: string
          key: string
          ambiguous: number
          attempts: number
          reason: string | null
        }
      >('SELECT part, state, key, ambiguous, attempts, reason FROM delivery ORDER BY id')
      .all()
  }

  [Symbol.dispose](): void {
    this.db.close()
    rmSync(this.folder, { recursive: true })
  }
}
