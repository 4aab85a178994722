import type { GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Mailbox } from '../domain/ports/mailbox.ts'
import type { DispatchStore, OutboxStore } from '../domain/ports/stores.ts'

export interface TrimPorts {
  readonly dispatches: Pick<DispatchStore, 'open' | 'newestPlaced'>
  readonly mailbox: Pick<Mailbox, 'putAll' | 'prune'>
  readonly outboxes: Pick<OutboxStore, 'cursor' | 'sync'>
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Lets the inbox forget what is settled, and the runner what was taken. First our own tables wait for the disk: a power
 * cut must not undo here what is forgotten there. Then the inbox, then the word to the runner: a settlement is never
 * forgotten before its message. What the dispatcher is putting there right now has a later position than all that it
 * has noted.
 */
export async function trimLogs(group: GroupName, ports: TrimPorts): Promise<void> {
  const { dispatches, mailbox, outboxes, clock } = ports
  const cursor = outboxes.cursor(group)
  const open = dispatches.open(group).map((d) => d.inboxSeq)
  const newest = dispatches.newestPlaced(group)
  await outboxes.sync()
  const entry = { key: `acked:${cursor}`, entry: { type: 'acked', outboxSeq: cursor } } as const
  const [acked = 0] = await mailbox.putAll(group, [entry], clock.now())
  await mailbox.prune(group, Math.min(acked, newest), open)
}
