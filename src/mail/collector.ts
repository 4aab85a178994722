import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import type { OutboxItem } from '../domain/ports/mailbox.ts'
import type { StepResult } from '../pump.ts'
import { isFile, upToFile, upToText } from './collected-file.ts'
import type { CollectorPorts } from './collector-ports.ts'
import { OutboxBatch } from './outbox-batch.ts'
import { trimLogs } from './trim-logs.ts'

const BATCH = 200
const BUSY_WAIT_MS = 3
const PLACING_WAIT_MS = 5
/** With this many unsent parts a group's outbox is left alone until the chats have caught up (I13). */
const MAX_QUEUED = 500
const FULL_WAIT_MS = 500
/** Every so many entries both logs are trimmed. */
const PRUNE_EVERY = 256

/**
 * Step of the collector pump: takes what a group's runner wrote, as hostile input, into the host's tables. Cursor
 * and everything that follows from the entries are one transaction, so nothing is taken twice or left out.
 */
export async function collect(group: GroupName, ports: CollectorPorts): Promise<StepResult> {
  const { outboxes, deliveries, reader, clock } = ports
  if (deliveries.queuedOf(group) > MAX_QUEUED) return { waitMs: FULL_WAIT_MS }
  const before = outboxes.cursor(group)
  const batch = await reader.read(group, before, BATCH)
  switch (batch.kind) {
    case 'busy':
      return { waitMs: BUSY_WAIT_MS }
    case 'unfinished':
      // A killed runner's half-done commit. The message it was for is unsettled, so the supervisor starts the
      // group anyway, and its runner rolls back.
      return 'idle'
    case 'rejected': {
      const problem = `its outbox is not what a runner writes: ${batch.reason}`
      ports.problems.report(group, 'outbox', problem)
      throw new CreelError('invalid', problem)
    }
    case 'entries': {
      ports.problems.well(group, 'outbox')
      if (batch.items.length === 0) return 'idle'
      const items = upToText(upToFile(batch.items))
      if (isAhead(group, items, ports)) return { waitMs: PLACING_WAIT_MS }
      const taken = new OutboxBatch(group, ports)
      await taken.takeFile(items[0])
      for (const item of items) taken.add(item)
      outboxes.record(group, taken.record(), clock.now())
      taken.showProgress()
      if (taken.asked) ports.approvals.nudge()
      if (taken.called) ports.calls.nudge(group)
      if (taken.settledAny) ports.agents.nudge()
      ports.nudge(group, taken.chats)
      const manyTaken = Math.floor(before / PRUNE_EVERY) !== Math.floor(taken.cursor / PRUNE_EVERY)
      // A file that was taken need not stay in the sandbox.
      if (manyTaken || items.some(isFile)) await trimLogs(group, ports)
      return batch.more || items.length < batch.items.length ? 'again' : 'idle'
    }
  }
}

/**
 * Whether these are about a message of which we have yet to note where in the inbox it stands: a runner that is awake
 * may be done with it before that commit, and so may one that ran while no host did. A position that no message will
 * have holds nobody up for longer than there are messages to be placed.
 */
function isAhead(group: GroupName, items: readonly OutboxItem[], { dispatches }: CollectorPorts): boolean {
  const newest = items.reduce((most, item) => Math.max(most, 'entry' in item ? item.entry.inboxSeq : 0), 0)
  return newest > dispatches.newestPlaced(group) && dispatches.pending(group, 1).length > 0
}
