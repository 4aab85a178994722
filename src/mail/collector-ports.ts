import type { Agents } from '../agents/agents.ts'
import type { Approvals } from '../approvals/approvals.ts'
import type { Calls } from '../calls/calls.ts'
import type { ProgressBoard } from '../delivery/progress-board.ts'
import type { ChatId, GroupName } from '../domain/ids.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { FileStore } from '../domain/ports/files.ts'
import type { Mailbox, OutboxReader } from '../domain/ports/mailbox.ts'
import type { DeliveryStore, DirectoryStore, DispatchStore, OutboxStore } from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import type { GroupProblems } from '../sandboxes/group-problems.ts'

export interface CollectorPorts {
  readonly reader: OutboxReader
  readonly outboxes: OutboxStore
  readonly dispatches: DispatchStore
  readonly deliveries: Pick<DeliveryStore, 'queuedOf' | 'sentElsewhere'>
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly mailbox: Mailbox
  readonly files: Pick<FileStore, 'collect' | 'add'>
  readonly maxFileBytes: number
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly events: Events
  readonly clock: Clock
  readonly problems: GroupProblems
  readonly board: Pick<ProgressBoard, 'show'>
  readonly agents: Pick<Agents, 'nudge'>
  readonly approvals: Pick<Approvals, 'plan' | 'nudge'>
  readonly calls: Pick<Calls, 'plan' | 'nudge'>
  /** Wakes the delivery of these chats and lets the supervisor look. */
  readonly nudge: (group: GroupName, chats: ReadonlySet<ChatId>) => void
}
